"""The system calls that the filters name, as `name:x86-64:aarch64`, and what each group is for."""

from __future__ import annotations

_ALLOWED = """
    read:0:63 write:1:64 readv:19:65 writev:20:66 pread64:17:67 pwrite64:18:68 preadv:295:69 pwritev:296:70
    preadv2:327:286 pwritev2:328:287 lseek:8:62 close:3:57 close_range:436:436 fstat:5:80 stat:4:- lstat:6:-
    newfstatat:262:79 statx:332:291 access:21:- faccessat:269:48 faccessat2:439:439 open:2:- openat:257:56
    openat2:437:437 creat:85:- getdents:78:- getdents64:217:61 readlink:89:- readlinkat:267:78 getcwd:79:17
    chdir:80:49 fchdir:81:50 mkdir:83:- mkdirat:258:34 rmdir:84:- unlink:87:- unlinkat:263:35 rename:82:-
    renameat:264:38 renameat2:316:276 link:86:- linkat:265:37 symlink:88:- symlinkat:266:36 truncate:76:45
    ftruncate:77:46 fallocate:285:47 fsync:74:82 fdatasync:75:83 dup:32:23 dup2:33:- dup3:292:24 pipe:22:-
    pipe2:293:59 fcntl:72:25 ioctl:16:29 chmod:90:- fchmod:91:52 fchmodat:268:53 utime:132:-
    utimes:235:- utimensat:280:88 umask:95:166 statfs:137:43 fstatfs:138:44 fadvise64:221:223 sendfile:40:71
    copy_file_range:326:285 splice:275:76 poll:7:- ppoll:271:73 select:23:- pselect6:270:72 epoll_create:213:-
    epoll_create1:291:20 epoll_ctl:233:21 epoll_wait:232:- epoll_pwait:281:22 epoll_pwait2:441:441 eventfd:284:-
    eventfd2:290:19 timerfd_create:283:85 timerfd_settime:286:86 timerfd_gettime:287:87 socketpair:53:199
    sendto:44:206 recvfrom:45:207 shutdown:48:210 getsockopt:55:209 getsockname:51:204
    getpeername:52:205 mmap:9:222 munmap:11:215 mprotect:10:226 mremap:25:216 madvise:28:233 msync:26:227
    mincore:27:232 brk:12:214 membarrier:324:283 getpid:39:172 gettid:186:178 getppid:110:173 getuid:102:174
    geteuid:107:175 getgid:104:176 getegid:108:177 getresuid:118:148 getresgid:120:150 getgroups:115:158
    getpgrp:111:- getpgid:121:155 getsid:124:156 getrusage:98:165 times:100:153 uname:63:160 sysinfo:99:179
    getrlimit:97:163 setrlimit:160:164 prlimit64:302:261 getpriority:140:141 sched_getaffinity:204:123
    sched_getparam:143:121 sched_getscheduler:145:120 sched_get_priority_max:146:125
    sched_get_priority_min:147:126 sched_yield:24:124 getcpu:309:168 gettimeofday:96:169 time:201:-
    clock_gettime:228:113 clock_getres:229:114 clock_nanosleep:230:115 nanosleep:35:101 getrandom:318:278
    arch_prctl:158:- set_tid_address:218:96 set_robust_list:273:99 get_robust_list:274:100 rseq:334:293
    futex:202:98 futex_waitv:449:449 exit:60:93 exit_group:231:94 wait4:61:260 waitid:247:95 rt_sigaction:13:134
    rt_sigprocmask:14:135 rt_sigreturn:15:139 rt_sigpending:127:136 rt_sigtimedwait:128:137 rt_sigsuspend:130:133
    sigaltstack:131:132 restart_syscall:219:128 setitimer:38:103 getitimer:36:102 alarm:37:- pause:34:-
    timer_create:222:107 timer_settime:223:110 timer_gettime:224:108 timer_getoverrun:225:109 timer_delete:226:111
"""
"""What Python and the standard library need to compute, keep files in /tmp, wait, and talk to themselves."""

_SERVER = """
    clone:56:220 memfd_create:319:279 sendmsg:46:211 recvmsg:47:212 pidfd_open:434:434 kill:62:129 prctl:157:167
    capset:126:91 setsid:112:157 seccomp:317:277 unshare:272:97 setns:308:268 mount:165:40 umount2:166:39
    setgroups:116:159 setresgid:119:149 setresuid:117:147 landlock_create_ruleset:444:444 landlock_add_rule:445:445
    landlock_restrict_self:446:446
"""
"""What the fork server needs besides, to make the next candidate. Candidates are refused them."""

_FATAL = """
    ptrace:101:117 process_vm_readv:310:270 process_vm_writev:311:271 kcmp:312:272 bpf:321:280
    perf_event_open:298:241 userfaultfd:323:282 io_uring_setup:425:425 io_uring_enter:426:426
    io_uring_register:427:427 add_key:248:217 request_key:249:218 keyctl:250:219 pivot_root:155:41 chroot:161:51
    open_tree:428:428 move_mount:429:429 fsopen:430:430 fsconfig:431:431 fsmount:432:432 fspick:433:433
    mount_setattr:442:442 name_to_handle_at:303:- open_by_handle_at:304:- init_module:175:105 finit_module:313:273
    delete_module:176:106 kexec_load:246:104 kexec_file_load:320:294 reboot:169:142 swapon:167:224 swapoff:168:225
    acct:163:89 syslog:103:116 quotactl:179:60 settimeofday:164:170 clock_settime:227:112 adjtimex:159:171
    clock_adjtime:305:266 sethostname:170:161 setdomainname:171:162 personality:135:92 iopl:172:- ioperm:173:-
    modify_ldt:154:- pidfd_getfd:438:438 pidfd_send_signal:424:424 process_madvise:440:440 vhangup:153:58
    fanotify_init:300:262 mbind:237:235 migrate_pages:256:238 move_pages:279:239
"""
"""What no program that solves a task has a use for: whoever calls one is killed."""

_ABSENT = "clone3:435:435"
"""Answered with ENOSYS, as by an old kernel: its flags lie in memory, where a filter cannot read them."""

_UNSUPPORTED = """
    setxattr:188:5 lsetxattr:189:6 fsetxattr:190:7 getxattr:191:8 lgetxattr:192:9 fgetxattr:193:10 listxattr:194:11
    llistxattr:195:12 flistxattr:196:13 removexattr:197:14 lremovexattr:198:15 fremovexattr:199:16
"""
"""Answered with ENOTSUP, as by a file system without them: shutil copies files all the same."""

_COLUMNS = {"x86_64": 1, "aarch64": 2}
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


class Calls:
    """The groups as numbers of one machine's table. Raises KeyError for a machine without a table."""

    def __init__(self, machine: str) -> None:
        self.audit_arch = AUDIT_ARCH[machine]
        self.allowed = numbers(_ALLOWED, machine)
        self.server = numbers(_SERVER, machine)
        self.fatal = numbers(_FATAL, machine)
        self.absent = numbers(_ABSENT, machine)
        self.unsupported = numbers(_UNSUPPORTED, machine)

    def number(self, name: str) -> int:
        """Of a call in the two tables of what may be called. Raises KeyError."""
        return self.allowed[name] if name in self.allowed else self.server[name]


def numbers(table: str, machine: str) -> dict[str, int]:
    """Name to number of each call that the machine has. Raises KeyError for a machine without a table."""
    column = _COLUMNS[machine]
    rows = [entry.split(":") for entry in table.split()]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}
