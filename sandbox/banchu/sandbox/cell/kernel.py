"""The system calls that Python does not wrap, through ctypes. Each raises OSError."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import struct
from collections.abc import Callable

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
MNT_DETACH = 2
CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN = 2, 5, 6, 7, 21

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_KEEPCAPS, _PR_SET_SECCOMP = 1, 4, 8, 22
_PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 24, 36, 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # the same on every machine
_LANDLOCK_PATH_BENEATH = 1
_M_ARENA_MAX = -8
_PROT_READ, _PROT_WRITE, _PROT_EXEC = 1, 2, 4
_MAP_PRIVATE, _MAP_ANONYMOUS = 2, 32
_MADV_HUGEPAGE = 14
_MREMAP_MAYMOVE, _MREMAP_FIXED = 1, 2


Call = Callable[[], None]
"""A system call that is ready to be made. Raises OSError."""


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *args: object) -> None:
    if getattr(_libc(), name)(*args) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _prepared(name: str, *args: object) -> Call:
    """The call with its arguments made ahead: in a candidate every new object costs a page."""
    call = functools.partial(getattr(_libc(), name), *args)

    def make() -> None:
        if call() != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"{name}: {os.strerror(code)}")

    return make


def _syscall(numbers: dict[str, int], *args: object) -> None:
    _call("syscall", ctypes.c_long(numbers[platform.machine()]), *args)


def landlock_create(attributes: int, size: int, flags: int) -> int:
    """A ruleset's file descriptor, or with flags 1 the version. `attributes` is an address."""
    made = _libc().syscall(_LANDLOCK_CREATE, ctypes.c_void_p(attributes), ctypes.c_size_t(size), ctypes.c_uint(flags))
    if made < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock_create_ruleset: {os.strerror(code)}")
    return int(made)


def landlock_add_path(ruleset: int, rule: int) -> None:
    number, kind = ctypes.c_long(_LANDLOCK_ADD), ctypes.c_int(_LANDLOCK_PATH_BENEATH)
    _call("syscall", number, ctypes.c_int(ruleset), kind, ctypes.c_void_p(rule), ctypes.c_uint(0))


def landlock_restrict(ruleset: int) -> None:
    _call("syscall", ctypes.c_long(_LANDLOCK_RESTRICT), ctypes.c_int(ruleset), ctypes.c_uint(0))


def map_private(size: int) -> int:
    """Address of new memory of this process's own, to read and to write."""
    return _pointer("mmap", 0, size, _PROT_READ | _PROT_WRITE, _MAP_PRIVATE | _MAP_ANONYMOUS, -1, 0)


def unmap(address: int, size: int) -> None:
    _call("munmap", ctypes.c_void_p(address), ctypes.c_size_t(size))


def ask_for_huge_pages(address: int, size: int) -> None:
    _call("madvise", ctypes.c_void_p(address), ctypes.c_size_t(size), ctypes.c_int(_MADV_HUGEPAGE))


def make_executable(address: int, size: int) -> None:
    """And no longer writable."""
    _call("mprotect", ctypes.c_void_p(address), ctypes.c_size_t(size), ctypes.c_int(_PROT_READ | _PROT_EXEC))


def move_mapping(address: int, size: int, to: int) -> None:
    """In one step, over whatever lies there."""
    _pointer("mremap", address, size, size, _MREMAP_MAYMOVE | _MREMAP_FIXED, to)


def _pointer(name: str, *args: int) -> int:
    """The result of a call that answers with an address. Its arguments are as wide as addresses."""
    function = getattr(_libc(), name)
    function.restype = ctypes.c_void_p
    found = function(*map(ctypes.c_long, args))
    if found is None or found == ctypes.c_void_p(-1).value:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return int(found)


def unshare(flags: int) -> None:
    _call("unshare", ctypes.c_int(flags))


def setns(fd: int, kind: int) -> None:
    _call("setns", ctypes.c_int(fd), ctypes.c_int(kind))


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    texts = [ctypes.c_char_p(os.fsencode(text)) for text in (source, target, kind)]
    try:
        _call("mount", *texts, ctypes.c_ulong(flags), ctypes.c_char_p(options.encode()))
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror} at {target}") from None


def set_host_name(name: str) -> None:
    _call("sethostname", ctypes.c_char_p(name.encode()), ctypes.c_size_t(len(name)))


def umount(target: str) -> None:
    _call("umount2", ctypes.c_char_p(os.fsencode(target)), ctypes.c_int(MNT_DETACH))


def pivot_root_here() -> None:
    """Make the working directory the root; the old root is stacked below it, for `umount(".")`."""
    _syscall(_PIVOT_ROOT, ctypes.c_char_p(b"."), ctypes.c_char_p(b"."))


def _prctl(option: int, value: int, pointer: int = 0) -> None:
    _call("prctl", ctypes.c_int(option), ctypes.c_ulong(value), ctypes.c_ulong(pointer), *[ctypes.c_ulong(0)] * 2)


def die_with_parent(signal: int) -> None:
    _prctl(_PR_SET_PDEATHSIG, signal)


def undumpable() -> None:
    """No ptrace, no core file, and /proc entries that belong to root."""
    _prctl(_PR_SET_DUMPABLE, 0)


def dumpable() -> None:
    """/proc entries of its own, as before."""
    _prctl(_PR_SET_DUMPABLE, 1)


def adopt_orphans() -> None:
    """Whatever below this process loses its parent becomes this one's child."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def keep_capabilities() -> None:
    """Keep the permitted capabilities over the next change of user."""
    _prctl(_PR_SET_KEEPCAPS, 1)


def no_new_privileges() -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def filter_installer(address: int) -> Call:
    arguments = [ctypes.c_ulong(value) for value in (_SECCOMP_MODE_FILTER, address, 0, 0)]
    return _prepared("prctl", ctypes.c_int(_PR_SET_SECCOMP), *arguments)


def one_malloc_arena() -> None:
    """Threads share a heap, instead of reserving 64 MiB or more of address space each (glibc)."""
    mallopt = getattr(_libc(), "mallopt", None)
    if mallopt is not None:
        mallopt(ctypes.c_int(_M_ARENA_MAX), ctypes.c_int(1))


def drop_bounding_set() -> None:
    """No program started from here on can gain a capability."""
    for capability in range(64):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except OSError:  # the first number that this kernel does not know
            return


def set_capabilities(*capabilities: int) -> None:
    """Exactly these, permitted and effective; none can be inherited."""
    capabilities_setter(*capabilities)()


def capabilities_setter(*capabilities: int) -> Call:
    bits = sum(1 << capability for capability in capabilities)
    low, high = bits & 0xFFFFFFFF, bits >> 32
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    data = struct.pack("IIIIII", low, low, 0, high, high, 0)
    number = ctypes.c_long(_CAPSET[platform.machine()])
    return _prepared("syscall", number, ctypes.c_char_p(header), ctypes.c_char_p(data))
