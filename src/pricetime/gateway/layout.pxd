# The schema of the gateway: what it knows of a session, and what control thread and gateway tell each other.

from pricetime.core.layout cimport Report, i64, u8, u16, u32, u64

cdef enum:
    # Session.state
    ABSENT = 0                 # no connection
    ACTIVE = 1
    CLOSING = 2                # its Logout is on the way; what it still sends is thrown away
    LINGERING = 3              # its Logout is sent; the other end has a moment to take it and close
    # Request.kind
    REQUEST_ADMIT = 1
    REQUEST_STATE = 2
    REQUEST_STOP = 3
    REQUEST_OWNER = 4
    # Event.kind
    EVENT_SESSION_BEGAN = 1
    EVENT_SESSION_ENDED = 2
    EVENT_LOGIN_REFUSED = 3
    # Sizes
    MAX_MESSAGE = 64           # no message of a logged-in client is longer
    CONTROL_BYTES = 192        # of session messages on their way to one client
    OWNERS = 65536
    ORDER_ID_SHIFT = 48
    REPORT_BYTES = 48
    READ_BYTES = 2048          # taken from one socket at a time ...
    DOUBLINGS = 7              # ... and from one that always has more, up to 2 to this power times as much
    FULL_READS = 16            # how many reads in a row must find more before they double
    BUFFER_BYTES = 262144      # the most that is taken
    FLUSH_BYTES = 1048576      # given to one socket at a time
    PEACE_NS = 1000000000      # without a refusal, and the throttle forgets those before
    LINGER_NS = 1000000000     # how long a Logout may take to be taken
    MOST_SPARES = 64           # streams of which the memory is taken up before they have an owner
    ROUTE_LIMIT = 8192         # reports handled between two looks at the sockets
    # The most orders that one command of a mass cancel looks at: the first, of which many may come at once ...
    FIRST_PART = 16
    # ... and each that goes on with one, of which a turn makes one
    PART = 512
    BEGINNINGS = 32            # mass cancels of sessions that ended, begun in one turn
    NEVER = 0xFFFFFFFFFFFFFFFF # a command that is not in the ring yet
    # Numbers of sockets in epoll that are no owner
    WAKE = 65536

# A session: the private stream of one owner, and its connection while there is one.
ctypedef struct Session:
    Report *stream             # ring of the newest reports, NULL until the first login or report
    u64 next_sequence          # of the next report; the stream holds those before it, as many as there is room for
    u64 kept_from              # reports below this number are gone whatever room there is: they were not in a snapshot
    u64 sent_bytes             # of the stream, from its very first report on, given to the system
    u64 allowance_bytes        # so much may be unsent; more and the client is cut off
    u64 heard_ns               # monotonic: when something last came
    u64 spoken_ns              # monotonic: when something last went
    u64 orders_due_ns          # throttle: when the order after those already taken is due
    u64 cancels_due_ns
    u64 refused_ns             # monotonic: when the throttle last refused something
    u64 barred_ns              # monotonic: no login before, because the last session was ended by the throttle
    u64 heartbeat_after        # no heartbeat before this command is answered: the last one ahead of this session
    u64 parts_after            # said Logout: its answer comes after that of this command; 0: it has not
    u64 waits_for              # what it sends next waits until this command, of a mass cancel, is answered; or NEVER
    u8 *held                   # what came behind a MassCancel and does not fit into "partial"; NULL where there is none
    u32 held_bytes
    int fd
    u32 state
    u32 full_reads             # in a row that left something behind
    u32 place                  # among the sessions that have a connection
    u32 refused                # by the throttle, without a second of peace between two
    u16 partial_bytes          # of a message that has not come whole
    u16 control_bytes
    u16 control_sent
    u8 flags                   # of the login: KEEP_ORDERS, RESUME
    u8 waiting                 # 1: the socket took no more, epoll says when it does
    u8 dirty                   # 1: on the list of sessions that have something to send
    u8 cancel_due              # Reason for which its orders are to be cancelled, which has not begun; 0: none
    u8 resumes                 # 1: on the list of sessions that go on behind a MassCancel
    u8 reason                  # SessionReason it is closing for
    u8 parting                 # 1: on the list of sessions that said Logout
    u8 partial[64]
    u8 control[192]

# From the control thread to the gateway: 64 bytes, a slot of a ring.
ctypedef packed struct Request:
    u32 kind                   # REQUEST_...
    u32 owner
    i64 fd                     # REQUEST_ADMIT: the connection, which is the gateway's from now on
    u32 flags                  # REQUEST_ADMIT: of the login; REQUEST_OWNER: Reason to cancel its orders for, 0: do not
    u32 instrument             # REQUEST_STATE
    u64 next_sequence          # REQUEST_ADMIT: of the login
    u32 state                  # REQUEST_STATE: InstrumentState; REQUEST_OWNER: SessionReason to end for, 0: do not
    u8 zero[28]

# From the gateway to the control thread: 64 bytes, a slot of a ring.
ctypedef packed struct Event:
    u32 kind                   # EVENT_...
    u32 owner
    u32 reason                 # SessionReason
    u32 zero
    u64 timestamp              # ns
    u64 next_sequence          # of the session's stream
    u8 zero2[32]
