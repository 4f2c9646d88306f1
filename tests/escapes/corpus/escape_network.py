"""Talking to anybody: the network, sockets of the host, other programs' terminals."""

from __future__ import annotations

from .case import LIBC, escape

CASES = (
    escape(
        "tcp",
        "connect to a server on this machine",
        "import socket\nsocket.create_connection(('127.0.0.1', int('@PORT@')), 1)",
    ),
    escape(
        "tcp version 6", "connect to it by IPv6", "import socket\nsocket.create_connection(('::1', int('@PORT@')), 1)"
    ),
    escape(
        "udp",
        "send a datagram",
        """
        import socket
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', int('@PORT@')))
        """,
    ),
    escape("listen", "let others connect", "import socket\nsocket.create_server(('127.0.0.1', 0))"),
    escape("names", "resolve a name", "import socket\nsocket.getaddrinfo('localhost', 80)"),
    escape("raw socket", "send packets of its own make", "call(41, 198, 2, 3, 1)", uses=LIBC),
    escape("packet socket", "see every packet", "call(41, 198, 17, 3, 0x300)", uses=LIBC),
    escape("netlink", "configure the network", "call(41, 198, 16, 3, 0)", uses=LIBC),
    escape("vsock", "talk to the machine that runs this one", "call(41, 198, 40, 1, 0)", uses=LIBC),
    escape("kernel's cryptography", "open a socket into the kernel's algorithms", "call(41, 198, 38, 5, 0)", uses=LIBC),
    escape(
        "rare families",
        "make the kernel load a protocol through a pair of sockets",
        """
        import errno, socket
        reached = []
        for family in range(2, 46):
            try:
                socket.socketpair(family, socket.SOCK_STREAM)
            except OSError as error:
                reached += [family] if error.errno not in (errno.EPERM, errno.EACCES) else []
        assert reached
        """,
    ),
    escape(
        "unix socket",
        "connect to a socket of the host by its path",
        "import socket\nsocket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '@SOCKET@')",
    ),
    escape(
        "abstract socket",
        "connect to a socket without a path",
        "import socket\nsocket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '\\0@ABSTRACT@')",
    ),
    escape(
        "datagram pair",
        "send from one end of a pair to another's address",
        """
        import socket
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        a.sendto(b'x', '\\0@ABSTRACT@')
        """,
    ),
    escape(
        "datagram pair by path",
        "the same to a path",
        """
        import socket
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        a.sendto(b'x', '@SOCKET@')
        """,
    ),
    escape(
        "reconnected pair",
        "connect one end of a pair to somebody else",
        "import socket\na, b = socket.socketpair()\nb.close()\na.connect('@SOCKET@')",
    ),
    escape(
        "the line to an address",
        "send from its own line to an address",
        """
        import socket
        s = socket.socket(fileno=3)
        try:
            s.sendto(b'x', '@SOCKET@')
        finally:
            s.detach()
        """,
    ),
    escape(
        "many messages",
        "send several at once, past the filter of sendto",
        """
        import socket
        a, b = socket.socketpair()
        call(307, 269, a.fileno(), ctypes.create_string_buffer(64), 1, 0)
        """,
        uses=LIBC,
    ),
    escape("accept", "take a connection on its own line", "call(43, 202, 3, None, None)", uses=LIBC),
    escape(
        "message queue",
        "make a message queue that outlives it",
        "call(240, 180, b'mark', 0o102, 0o666, None)",
        uses=LIBC,
    ),
    escape(
        "shared memory", "make shared memory that outlives it", "call(29, 194, 0x62616e63, 4096, 0o1666)", uses=LIBC
    ),
    escape("semaphores", "make semaphores that outlive it", "call(64, 190, 0x62616e63, 1, 0o1666)", uses=LIBC),
    escape(
        "named semaphore",
        "make one by its name",
        """
        import multiprocessing.synchronize
        multiprocessing.synchronize.Lock(ctx=multiprocessing.get_context())
        """,
    ),
    escape(
        "terminal input",
        "type into the user's terminal",
        """
        import fcntl, termios
        for fd in (0, 1, 2):
            try:
                fcntl.ioctl(fd, termios.TIOCSTI, b'x')
                break
            except OSError as error:
                kept = error
        else:
            raise kept
        """,
    ),
    escape(
        "terminal clipboard",
        "paste into the console",
        """
        import fcntl, os
        for fd in (0, os.open('/dev/null', os.O_RDWR)):
            fcntl.ioctl(fd, 0x541C, bytes([3]))
        """,
    ),
    escape("a new terminal", "open a terminal", "import os\nos.openpty()"),
    escape("the user's terminal", "write to the controlling terminal", "open('/dev/tty', 'w').write('x')"),
)
