# The schema of the event loop: the connection of an owner, and the messages between the control thread and the loop.

from pricetime.core.layout cimport i64, u8, u16, u32, u64

cdef enum:
    # Connection.state
    ABSENT = 0                 # no connection
    ACTIVE = 1
    CLOSING = 2                # its Logout is queued; further messages of the client are discarded
    LINGERING = 3              # its Logout is sent; the client has LINGER_NS to read it and close
    # Request.kind
    REQUEST_ADMIT = 1
    REQUEST_COMMAND = 2
    REQUEST_STOP = 3
    REQUEST_OWNER = 4
    # Event.kind
    EVENT_SESSION_BEGAN = 1
    EVENT_SESSION_ENDED = 2
    EVENT_LOGIN_REFUSED = 3
    # Sizes
    MAX_MESSAGE = 80           # maximum size of what a logged-in client sends as one: an order and its extension
    CONTROL_BYTES = 1024       # room for queued session messages of one client
    READ_BYTES = 2048          # initial size of one read from a socket
    DOUBLINGS = 7              # a client that always has more data is read with up to READ_BYTES << DOUBLINGS
    FULL_READS = 16            # consecutive full reads before the size doubles
    BUFFER_BYTES = 262144      # maximum size of one read
    FLUSH_BYTES = 1048576      # maximum size of one send to a socket
    THROTTLE_MEMORY_NS = 1000000000  # after this time without a throttled command, their count restarts
    LINGER_NS = 1000000000     # maximum time for a client to read its Logout
    # Maximum number of orders that one command of a mass cancel visits. The first command: many may arrive at once.
    FIRST_PART = 16
    # Each command that continues it: one is issued in each iteration.
    PART = 512
    BEGINNINGS = 32            # maximum number of queued mass cancels begun in one iteration
    EXPIRY_PART = 256          # maximum number of orders that one command expires: one is issued in each iteration
    # Expiry.state
    EXPIRY_IDLE = 0
    EXPIRY_DUE = 1             # its next part is to be issued
    EXPIRY_ISSUED = 2          # its next part is issued, and not answered
    SCANNED = 64               # maximum number of instruments whose expiry times are read in one iteration
    INDICATED = 8              # maximum number of instruments whose indicative prices are considered in one iteration
    NEVER = 0xFFFFFFFFFFFFFFFF # sequence number of a command that is not issued yet
    # epoll number of the eventfd that wakes the event loop; lower numbers are owners
    WAKE = 65536

# An owner's account with the throttle. It continues over the owner's connections, but for the number of commands.
ctypedef struct Account:
    u64 orders_due_ns          # monotonic: due time of the account for orders
    u64 cancels_due_ns         # due time of the account for other commands
    u64 throttled_ns           # when the throttle last rejected a command
    u64 throttled              # commands that it rejected, without a pause of THROTTLE_MEMORY_NS
    u64 commands               # decoded so far in this session, an order and its extension as one

# The connection of one owner, if there is one. Its reports are in the owner's stream, see exchange/state/layout.pxd.
ctypedef struct Connection:
    Account account
    u64 sent_bytes             # bytes of the stream, from its first report on, that the kernel has taken
    u64 allowance_bytes        # maximum of unsent bytes before the client is disconnected
    u64 received_ns            # monotonic: when the client's last data arrived
    u64 last_sent_ns           # monotonic: when data was last sent to it
    u64 login_allowed_ns       # monotonic: no login before this time, because the throttle ended the last session
    u64 heartbeat_after        # no heartbeat before this command is answered: the last one before this session
    u64 resumed_after          # 1 + the bytes of the stream with all reports about commands before this session; 0: unknown
    u64 logout_after           # 1 + the last command before the client's Logout; 0: it has sent none
    int fd
    u32 state
    u32 full_reads             # consecutive reads that filled the buffer
    u32 place                  # index in Connections.connected
    u16 partial_bytes          # bytes in partial
    u16 control_bytes          # bytes in control
    u16 control_sent           # bytes of control that are sent
    u8 flags                   # of the login: LoginFlag
    u8 blocked                 # 1: the kernel took no more; epoll reports when the socket is writable
    u8 cancels_first           # 1: no heartbeat before the mass cancel of the last session is done
    u8 caught_up               # 1: a heartbeat was sent: all reports about commands before this session were
    u8 reason                  # SessionReason while CLOSING or LINGERING
    u8 logging_out             # 1: in Connections.logging_out
    u32 held_bytes             # size of held
    u8 *held                   # bytes after a MassCancel that do not fit into partial; NULL if there are none
    u8 partial[80]             # start of a message, or of an order and its extension, or what waits for a MassCancel
    u8 control[1024]           # queued session messages

# What an owner's next messages wait for.
ctypedef struct Waiting:
    u64 command                # of a mass cancel: they wait until it is answered; or NEVER
    u8 cancel_due              # Reason of the queued mass cancel; 0: none is queued
    u8 keeps                   # bits, 1 << TimeInForce, of the orders that it keeps
    u8 resumes                 # 1: in MassCancels.resuming

# From the control thread to the event loop: 64 bytes, a slot of a ring.
ctypedef packed struct Request:
    u32 kind                   # REQUEST_...
    u32 owner
    i64 fd                     # REQUEST_ADMIT: the connection, which the event loop then owns
    u32 flags                  # REQUEST_ADMIT: of the login; REQUEST_OWNER: Reason of the mass cancel; 0: none;
                               # REQUEST_COMMAND: of the command
    u32 instrument             # REQUEST_COMMAND
    u64 next_sequence          # REQUEST_ADMIT: of the login
    u32 state                  # REQUEST_OWNER: SessionReason; 0: do not end the session; REQUEST_COMMAND: type of it
    u32 zero
    i64 price                  # REQUEST_COMMAND: of the command
    u64 number                 # REQUEST_COMMAND: of its answer; 0: no answer is wanted
    u64 due_ns                 # REQUEST_COMMAND: when its row of a schedule was due; 0 without

# From the event loop to the control thread: 64 bytes, a slot of a ring.
ctypedef packed struct Event:
    u32 kind                   # EVENT_...
    u32 owner
    u32 reason                 # SessionReason
    u32 zero
    u64 timestamp              # ns
    u64 next_sequence          # of the session's stream
    u8 zero2[32]

# The answer to a command of the control thread: 64 bytes, a slot of a ring. Its fields are those of the report that says
# what the command did.
ctypedef packed struct Answer:
    u64 number                 # of the request
    u32 kind
    u32 reason
    u32 side
    u32 zero
    i64 price                  # ticks
    u64 quantity               # of an expiry: orders that all its parts expired
    u64 surplus                # lots
    u64 zero2[2]

# A command of the exchange whose report the event loop waits for.
ctypedef struct Awaited:
    u64 sequence
    u64 number                 # of the answer; 0: no answer is wanted
    u32 kind                   # its type
    u32 instrument

# What the event loop knows of an instrument, from the reports that it has routed.
ctypedef struct Watched:
    u64 indicated_ns           # monotonic: when its last indicative price was requested
    u8 phase
    u8 changed                 # 1: its orders have changed since its last indicative price
    u8 queued                  # 1: in Phases.waiting

# The expiry of orders of an instrument.
ctypedef struct Expiry:
    u64 number                 # of the answer that waits for its end; 0: none
    u64 expired                # orders that its parts have expired so far
    u8 state                   # EXPIRY_...
    u8 again                   # 1: it was requested while its last part may have been issued: at least one more follows
