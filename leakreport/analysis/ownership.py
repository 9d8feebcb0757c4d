"""Whose code a frame is: the allocator's, a library's, or yours; and which frame of a path is responsible.

Without any configuration the main executable and its neighbours are yours; allocators, their wrappers in libraries,
libc, libstdc++, other system libraries, `std::` and template code from system headers are not. `--own` says it better.

Heuristic: all of this goes by names and folders. It errs, for example, for a library of yours installed below
/usr/local/lib (say `--own lib:libmine.so*`), and for third-party code linked into your executable (`--own 'src/**'`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from posixpath import normpath

from leakreport.analysis.identity import canonical_name
from leakreport.model.raw import Frame, FrameKind


class FrameClass(IntEnum):
    """Whose a frame is."""

    ALLOCATOR = 0
    """malloc, operator new, mmap … and the tool's own replacements."""
    RUNTIME = 1
    """libc, the C++ and Rust run-time: they allocate on somebody's behalf."""
    LIBRARY = 2
    """Other system libraries, and template code from system headers."""
    OWN = 3


_SYSTEM_FOLDERS = (
    "/lib/", "/lib32/", "/lib64/", "/libx32/", "/usr/lib/", "/usr/lib32/", "/usr/lib64/", "/usr/libx32/", "/usr/libexec/",
    "/usr/local/lib/", "/usr/local/lib64/", "/usr/share/", "/usr/pkg/", "/nix/store/", "/gnu/store/", "/snap/", "/opt/",
    "/opt/homebrew/", "/System/", "/Library/", "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/",
)  # fmt: skip
_SYSTEM_SOURCES = (
    "/usr/include/", "/usr/local/include/", "/usr/lib/", "/usr/lib64/", "/usr/src/", "/rustc/", "/opt/rh/",
)  # fmt: skip
_SYSTEM_SOURCE_PARTS = (
    "/include/c++/", "/rust/deps/", "/.cargo/registry/", "/.cargo/git/", "/cargo/registry/", "/rustlib/src/",
)  # fmt: skip
_THIRD_PARTY_PARTS = ("/site-packages/", "/dist-packages/", "/node_modules/")

_ALLOCATOR_MODULE = re.compile(
    r"(?:vgpreload_|libjemalloc|libtcmalloc|libmimalloc|libheaptrack|lib[a-z]*asan|liblsan|libmemray|libmtrace|libhoard)"
)
_RUNTIME_MODULE = re.compile(
    r"(?:libc|libm|libdl|librt|libpthread|libutil|libresolv|libnss_\w+|libgcc_s|libstdc\+\+|libc\+\+|libc\+\+abi|libsupc\+\+"
    r"|ld-linux[\w-]*|ld-musl[\w-]*|libc\.musl[\w-]*|ld|libstd-[0-9a-f]+|linux-vdso|linux-gate)"
    r"(?:-[\d.]+)?\.so(?:[.\d]*)\Z"
)
_ALLOCATORS = frozenset(
    "malloc calloc realloc reallocarray memalign posix_memalign aligned_alloc valloc pvalloc free cfree mmap mmap64 mremap "
    "brk sbrk __rust_alloc __rust_alloc_zeroed __rust_realloc __rdl_alloc __rdl_alloc_zeroed __rdl_realloc __rg_alloc "
    "__libc_malloc __libc_calloc __libc_realloc __libc_memalign je_malloc je_calloc je_realloc je_memalign tc_malloc "
    "tc_calloc tc_realloc tc_new tc_newarray mi_malloc mi_calloc mi_realloc mi_new operator_cv_new operator_cv_new[] "
    "operator_cv_delete operator_cv_delete[]".split()
)
_PLAIN_ALLOCATORS = _ALLOCATORS | {name.removeprefix("__") for name in _ALLOCATORS}
_MANGLED_NEW = re.compile(r"_Zn[wa][jmy]\w*\Z")
# libc functions that hand out memory or descriptors; needed where a text log names only `strdup (strdup.c:42)`.
_LIBC_FUNCTIONS = frozenset(
    "strdup strndup __strdup __strndup wcsdup asprintf vasprintf __vasprintf_internal getline getdelim _IO_getdelim "
    "open_memstream fopen fopen64 fdopen freopen _IO_file_doallocate _IO_doallocbuf _IO_file_overflow _IO_file_underflow "
    "opendir __alloc_dir scandir glob getcwd realpath setlocale newlocale qsort regcomp getaddrinfo gethostbyname tmpfile "
    "popen pthread_create _dl_allocate_tls allocate_dtv allocate_stack putenv setenv __add_to_environ tsearch hcreate "
    "open open64 openat socket socketpair pipe pipe2 dup dup2 dup3 accept accept4 epoll_create1 eventfd inotify_init "
    "close read write syscall getpwnam getpwuid getgrnam textdomain bindtextdomain".split()
)
_STD_HEADER_WITHOUT_FOLDER = re.compile(
    r"(?:stl_\w+\.h|\w+\.tcc|new_allocator\.h|allocator\.h|alloc_traits\.h|ptr_traits\.h|basic_string\.h|shared_ptr\w*\.h"
    r"|unique_ptr\.h|std_(?:function|thread|mutex)\.h|invoke\.h|move\.h|hashtable\w*\.h|unordered_\w+\.h|allocated_ptr\.h"
    r"|list\.h|char_traits\.h|gthr\w*\.h|new_op\w*\.cc|vg_replace_malloc\.c|(?:tuple|functional|thread|future|memory|any"
    r"|variant|optional|regex|coroutine|chrono|string|vector|map|set|list|deque|array|new)|alloc\.rs|raw_vec\.rs|boxed\.rs"
    r"|library/\S+\.rs)\Z"
)
_STD_SCOPES = frozenset(("std", "__gnu_cxx", "__cxxabiv1", "__gnu_debug"))
_RUST_SCOPES = frozenset(("core", "alloc", "hashbrown", "std"))
_RUST_HINT = re.compile(r"::h[0-9a-f]{16}\Z|\A__rust_|__rust_begin_short_backtrace|\A_R[NIMXYCs]")

_ENTRY_FUNCTIONS = frozenset(
    "main (below main) _start __libc_start_main __libc_start_call_main __libc_start_main@@GLIBC_2.34 start_thread clone "
    "clone3 thread_start __clone mythread_wrapper execute_native_thread_routine start_routine _dl_start _dl_init call_init "
    "_dl_start_user lang_start lang_start_internal __rust_begin_short_backtrace g_main_loop_run g_main_context_iteration "
    "g_main_context_dispatch uv_run event_base_loop event_base_dispatch ev_run aeMain aeProcessEvents gtk_main "
    "g_application_run PyEval_EvalFrameDefault _PyEval_EvalFrameDefault Py_RunMain Py_BytesMain wWinMain WinMain "
    "runtime.goexit runtime.main main.main java.lang.Thread.run java.lang.Thread.runWith JavaMain thread_native_entry "
    "boost::asio::detail::scheduler::run boost::asio::detail::scheduler::do_run_one asio::detail::scheduler::run "
    "asio::detail::scheduler::do_run_one".split()
)
_LOOP = re.compile(
    r"(?:event|main|run|message)_?loop\Z|\A(?:io_context|io_service|EventLoop|QEventLoop|QThread)\Z", re.I
)

_WRAPPER = re.compile(
    r"\A(?:\w*_)?[a-z]{0,8}(?:m|c|z|re)alloc(?:_\w+)?\Z"  # xmalloc, zmalloc_usable, png_zalloc, safe_realloc
    r"|\A(?:\w*_)?[a-z]{0,5}alloc(?:ate)?(?:0|n|_array|_n)?\Z"  # pool_alloc, xalloc, allocate
    r"|\A(?:\w*_)?[a-z]{0,5}(?:strn?dup|memdup)\d?\Z",  # xstrdup, my_memdup
    re.IGNORECASE,
)


def is_entry(function: str | None) -> bool:
    """Whether a function is where a program or thread begins, or an event loop: everything goes through it."""
    if function is None:
        return False
    name = canonical_name(function)
    if function in _ENTRY_FUNCTIONS or name.base in _ENTRY_FUNCTIONS or name.key in _ENTRY_FUNCTIONS:
        return True
    scope = name.scope[-1] if name.scope else ""
    return bool(_LOOP.search(name.base or "")) or (
        bool(_LOOP.search(scope)) and name.base in {"run", "exec", "exec_", "poll", "processEvents", "loop"}
    )


def looks_like_wrapper(function: str | None) -> bool:
    """Whether the name is that of an allocation wrapper: xmalloc, pool_alloc, my_strdup.

    Heuristic: by name only; used for wording and for the accumulation point, never to take a frame from you.
    """
    base = canonical_name(function).base
    if base is None or base in _ALLOCATORS or not ("alloc" in base.lower() or "dup" in base.lower()):
        return False
    return bool(_WRAPPER.search(base))


@dataclass(frozen=True, slots=True)
class Ownership:
    """The answer for one run: whose each frame is.

    Args of the constructor: what is known about the run (`executables`, `is_rust`), and the user's word (`own`).
    """

    own: tuple[str, ...] = ()
    """Patterns: a source path (`src/**`), or `lib:GLOB` for a module's base name."""
    allocators: tuple[str, ...] = ()
    """Functions (globs) that count as allocators besides the known ones."""
    executables: frozenset[str] = frozenset()
    neighbours: tuple[str, ...] = ()
    """Folders of the executables, where they are no system folders."""
    is_rust: bool = False

    def of(self, frame: Frame) -> FrameClass:
        """Whose a frame is."""
        frame = frame.actual
        if frame.kind is FrameKind.SYNTHETIC:
            return FrameClass.LIBRARY
        if _is_allocator_module(frame.module):
            return FrameClass.ALLOCATOR
        if frame.function is not None and self._is_allocator(frame.function):
            return FrameClass.ALLOCATOR
        if self.own:
            answer = self._by_pattern(frame)
            if answer is not None:
                return FrameClass.OWN if answer else self._foreign(frame)
        is_own = self._is_own_by_place(frame)
        return FrameClass.OWN if is_own else self._foreign(frame)

    def _is_allocator(self, function: str) -> bool:
        if is_allocator_name(function):
            return True
        base = canonical_name(function).base
        return any(fnmatchcase(function, glob) or fnmatchcase(base or "", glob) for glob in self.allocators)

    def _by_pattern(self, frame: Frame) -> bool | None:
        """The user's word on a frame; None where no pattern can tell."""
        has_library_pattern = False
        module = frame.module_name
        for pattern in self.own:
            if pattern.startswith("lib:"):
                has_library_pattern = True
                if module is not None and fnmatchcase(module, pattern[4:]):
                    return self._is_source_own(frame) is not False
            elif frame.path is not None and path_matches(frame.path, pattern):
                return True
        if frame.path is not None or (has_library_pattern and module is not None):
            return False
        return None

    def _is_own_by_place(self, frame: Frame) -> bool:
        if not _is_module_own(frame.module, self.executables, self.neighbours):
            return False
        if frame.module is None and frame.file is None:
            return False
        by_source = self._is_source_own(frame)
        if by_source is not None:
            return by_source
        return not self._is_std_name(frame)

    def _is_source_own(self, frame: Frame) -> bool | None:
        """What the source file tells; None where there is none."""
        if frame.file is None:
            return None
        path = frame.path or frame.file
        if path.startswith("/"):
            return not is_system_source(path)
        if frame.directory is None:
            if frame.module is None and self._is_libc_function(frame):
                return False
            if _STD_HEADER_WITHOUT_FOLDER.match(frame.file) and (
                frame.module is None or self._is_std_name(frame) or "." not in frame.file
            ):
                return False
        if "/../sysdeps/" in frame.path if frame.path else False:
            return False
        return True

    @staticmethod
    def _is_libc_function(frame: Frame) -> bool:
        function, file = (frame.function or "").removeprefix("__GI_"), frame.file or ""
        if function.startswith(("_dl_", "_IO_", "__libc_")) or "@@GLIBC_" in function:
            return True
        return function in _LIBC_FUNCTIONS or file in {
            "syscall-template.S", "libc-start.c", "libc_start_call_main.h", "pthread_create.c", "clone.S", "clone3.S", "dl-init.c"
        }  # fmt: skip

    def _is_std_name(self, frame: Frame) -> bool:
        name = canonical_name(frame.function)
        if name.scope is None:
            # An inlined or C name; without its file nothing says that it is the library's.
            return False
        first = name.scope[0] if name.scope else ""
        if first in _STD_SCOPES:
            return True
        if self.is_rust and first in _RUST_SCOPES:
            return True
        return (frame.function or "").startswith(("void std::", "std::ostream& "))

    def _foreign(self, frame: Frame) -> FrameClass:
        if _is_runtime_module(frame.module):
            return FrameClass.RUNTIME
        if frame.module is None and frame.file is not None and self._is_libc_function(frame):
            return FrameClass.RUNTIME
        return FrameClass.LIBRARY


def is_allocator_name(function: str) -> bool:
    """Whether a function is an allocator that everybody knows: malloc, operator new, mmap."""
    name = canonical_name(function)
    is_known = name.base is not None and not name.scope and name.base.removeprefix("__") in _PLAIN_ALLOCATORS
    return is_known or _MANGLED_NEW.match(function) is not None


def is_system_module(module: str) -> bool:
    """Whether an object lies in a folder of the system, or is a run-time library wherever it lies."""
    return module.startswith(_SYSTEM_FOLDERS) or _is_runtime_module(module)


def is_rust_frame(frame: Frame) -> bool:
    """Whether a frame can only be of a Rust program."""
    if frame.directory is not None and frame.directory.startswith("/rustc/"):
        return True
    return frame.function is not None and _looks_like_rust(frame.function)


def _looks_like_rust(function: str) -> bool:
    may_be = "::h" in function or "rust_" in function or function.startswith("_R")
    return may_be and _RUST_HINT.search(function) is not None


@lru_cache(maxsize=1 << 12)
def _is_allocator_module(module: str | None) -> bool:
    return module is not None and bool(_ALLOCATOR_MODULE.match(module.rsplit("/", 1)[-1]))


@lru_cache(maxsize=1 << 12)
def _is_runtime_module(module: str | None) -> bool:
    return module is not None and bool(_RUNTIME_MODULE.match(module.rsplit("/", 1)[-1]))


@lru_cache(maxsize=1 << 12)
def _is_module_own(module: str | None, executables: frozenset[str], neighbours: tuple[str, ...]) -> bool:
    """Whether an object may hold your code; an unknown one may (text logs name files instead of objects)."""
    if module is None or module in executables:
        return True
    if any(part in module for part in _THIRD_PARTY_PARTS) or _is_runtime_module(module):
        return False
    if module.startswith(neighbours):
        return True
    if module.startswith(_SYSTEM_FOLDERS):
        return False
    return not module.startswith("[") and module != "???"


@lru_cache(maxsize=1 << 14)
def is_system_source(path: str) -> bool:
    """Whether a source file came with the compiler, the C library or a package, by its folder."""
    path = _normal_path(path)
    return path.startswith(_SYSTEM_SOURCES) or any(part in path for part in _SYSTEM_SOURCE_PARTS)


def ownership_of(
    frames: Iterable[Frame],
    commands: Iterable[Sequence[str]],
    *,
    own: tuple[str, ...] = (),
    allocators: tuple[str, ...] = (),
) -> Ownership:
    """What the frames and command lines of a run tell about whose code is whose."""
    program_names = {command[0].rsplit("/", 1)[-1] for command in commands if command}
    all_frames = tuple(frame.actual for frame in frames)
    modules = {frame.module for frame in all_frames if frame.module is not None}
    with_main = Counter(frame.module for frame in all_frames if frame.function == "main" and frame.module is not None)
    is_rust = any(
        folder.startswith("/rustc/") for folder in {frame.directory for frame in all_frames} if folder is not None
    ) or any(map(_looks_like_rust, {frame.function for frame in all_frames if frame.function is not None}))
    executables = {module for module in modules if module.rsplit("/", 1)[-1] in program_names}
    if not executables and with_main:
        executables = {with_main.most_common(1)[0][0]}
    if not executables:
        # Heap dumps name neither a command nor functions; a mapped file that is no shared object is the program.
        programs = Counter(frame.module for frame in all_frames if _looks_like_program(frame.module))
        executables = {module for module, _ in programs.most_common(1) if module is not None}
    neighbours = {folder for module in executables if (folder := _neighbourhood(module))}
    return Ownership(
        own=own,
        allocators=allocators,
        executables=frozenset(executables),
        neighbours=tuple(sorted(neighbours)),
        is_rust=is_rust,
    )


def _looks_like_program(module: str | None) -> bool:
    return module is not None and module.startswith("/") and ".so" not in module.rsplit("/", 1)[-1]


def _neighbourhood(executable: str) -> str:
    """The folder whose objects belong to an executable: its own, or the one above `bin`. Empty for system folders."""
    folder = executable.rsplit("/", 1)[0] + "/"
    for ending in ("/bin/", "/sbin/", "/libexec/"):
        if folder.endswith(ending):
            folder = folder[: -len(ending)] + "/"
    if folder.count("/") < 3 or folder in {"/usr/", "/usr/local/", "/opt/"}:  # noqa: SIM102
        if folder.startswith(_SYSTEM_FOLDERS) or folder in {"/", "/usr/", "/usr/local/", "/opt/"}:
            return ""
    if folder.startswith(_SYSTEM_FOLDERS) and not folder.startswith("/opt/"):
        return ""
    return folder


@lru_cache(maxsize=1 << 14)
def _normal_path(path: str) -> str:
    # clang writes /usr/bin/../lib/gcc/x86_64-linux-gnu/12/../../../../include/c++/12.
    return normpath(path) if "/../" in path else path


def path_matches(path: str, pattern: str) -> bool:
    """Whether a source path fits a glob, at any folder: `src/**` fits /home/me/project/src/a/b.c.

    >>> path_matches("/home/me/project/src/a/b.c", "src/**"), path_matches("lib/x.c", "src/**")
    (True, False)
    """
    path = _normal_path(path)
    plain = pattern.replace("**", "*").removeprefix("./")
    return fnmatchcase(path, plain) or fnmatchcase(path, f"*/{plain.removeprefix('/')}")


def is_glue(function: str | None) -> bool:
    """Whether a frame only starts programs or threads: it never is an allocation site."""
    return function in {"(below main)", "_start", "__libc_start_main", "start_thread", "clone", "clone3"}
