"""What crosses a socket: messages, framing and the rules of a session. Bytes in, values out, no sockets."""
