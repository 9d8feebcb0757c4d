"""C++: operator new, and what the standard library allocates for its objects.

Names are those of libstdc++ (GCC 12) and libc++ (LLVM 15), as they stand in stacks of unoptimised and optimised builds.
"""

from __future__ import annotations

from leakreport.advice.pattern import KEPT, Pattern, Place, called

_OWNER = "The memory belongs to the object that holds it: if it is lost, that object was lost, or its destructor did not run. Look for a raw `new` of the holder, a union, placement new without a call of the destructor, or a base class without a virtual destructor."
_GROWS = "If it is still reachable and grows with the work done, it is a container that only grows: nothing erases what was inserted."
_HARMLESS_STATIC = "Where the container has static life, is filled once and does not grow with the work done."

PATTERNS = (
    Pattern("new-object", "an object", called("new operator_cv_new Znwm Znwj tc_new ZnwmRKSt9nothrow_t ZnwmSt11align_val_t"), release="delete",
        hint="In C++, std::make_unique at this place releases it on every path out.",
        fix=("std::make_unique at this place releases it on every way out, exceptions included.",
             "Where it is deleted through a base class, that class needs a virtual destructor, or members of the derived class are lost.")),
    Pattern("new-array", "an array of objects", called("new[] operator_cv_new[] Znam Znaj tc_newarray ZnamRKSt9nothrow_t"), release="delete[]",
        hint="In C++, std::vector or std::make_unique<T[]> at this place releases it on every path out.",
        fix=("std::vector or std::make_unique<T[]> at this place releases it on every way out.",
             "delete without [] on such an array is an error of its own, and destroys one element only.")),
    Pattern("shared-object", "an object with a count of its owners", called("std::make_shared std::allocate_shared std::__shared_count::__shared_count std::__shared_ptr::__shared_ptr std::shared_ptr::shared_ptr std::enable_shared_from_this::* std::__shared_count::* std::__allocate_guarded std::__make_shared"),
        hint="A std::shared_ptr is lost where its owners point to each other in a ring: std::weak_ptr breaks it.",
        fix=("If it is lost, owners can point to each other in a ring (parent and child, an object and its own callback): make one direction std::weak_ptr.",
             "A lambda that captures a shared_ptr to the object that stores the lambda is such a ring.",
             "A holder that was itself allocated with new and never deleted loses it, too."),
        prove="In a test, keep a std::weak_ptr to it: expired() must be true once the last owner is gone."),
    Pattern("growing-vector", "the elements of a vector", called("std::vector::push_back std::vector::emplace_back std::vector::_M_realloc_insert std::vector::_M_realloc_append std::vector::reserve std::vector::resize std::vector::_M_default_append std::vector::insert std::vector::_M_fill_insert std::vector::_M_range_insert std::vector::vector std::vector::assign std::vector::operator_assign std::vector::operator=* std::_Vector_base::* std::vector::__push_back_slow_path std::vector::__emplace_back_slow_path std::vector::__append"),
        hint="It belongs to a vector: find who owns the vector, and whether anything ever erases from it.",
        fix=(_OWNER, _GROWS, "clear() keeps the capacity; shrink_to_fit, or swapping with an empty vector, gives it back."),
        ignore=_HARMLESS_STATIC),
    Pattern("growing-map", "a node of a map or set", called("std::map::* std::set::* std::multimap::* std::multiset::* std::_Rb_tree::* std::__tree::*"),
        hint="It belongs to a map or set: find who owns it, and whether anything ever erases from it.",
        fix=(_OWNER, _GROWS, "operator[] inserts what it does not find: a look-up by it makes the map grow."),
        ignore=_HARMLESS_STATIC),
    Pattern("growing-hash-map", "a node or the buckets of a hash table", called("std::unordered_map::* std::unordered_set::* std::unordered_multimap::* std::unordered_multiset::* std::_Hashtable::* std::__detail::_Map_base::* std::__detail::_Hashtable_alloc::* std::__detail::_Insert_base::* std::__hash_table::*"),
        hint="It belongs to a hash table: find who owns it, and whether anything ever erases from it.",
        fix=(_OWNER, _GROWS, "operator[] inserts what it does not find: a look-up by it makes the table grow."),
        ignore=_HARMLESS_STATIC),
    Pattern("growing-list", "a node of a list or queue", called("std::list::* std::_List_base::* std::forward_list::* std::_Fwd_list_base::* std::deque::* std::_Deque_base::* std::queue::* std::stack::* std::priority_queue::*"),
        hint="It belongs to a list or queue: find who owns it, and whether what is put in is always taken out.",
        fix=(_OWNER, "If it is still reachable and grows, more is put in than is taken out: bound the queue, or look for the reader that stopped."),
        ignore=_HARMLESS_STATIC),
    Pattern("string-text", "the characters of a string", called("std::string::* std::basic_string::* std::operator+* std::to_string"),
        hint="A string frees its characters itself: the object that holds the string was lost.",
        fix=(_OWNER,)),
    Pattern("callable", "what a std::function, std::any or std::bind keeps of its target", called("std::_Function_base::* std::_Function_handler::* std::function::function std::function::operator=* std::function::operator_assign std::any::* std::packaged_task::* std::move_only_function::*"),
        hint="The holder of the callback was lost, or callbacks are registered and never removed.",
        fix=(_OWNER, "A callback that captures a shared_ptr to its own holder keeps both for ever: capture a weak_ptr.",
             "A list of callbacks needs a way to take one out again."),
        ignore="Where callbacks are registered once at the start."),
    Pattern("thread-object", "the state of a std::thread", called("std::thread::* std::jthread::* std::__thread::*"), release="join or detach of the std::thread",
        fix=("The new thread deletes its state when it ends: it is kept only while the thread runs. Join all threads before main returns.",
             "A std::thread that was made with new and never deleted is another leak, of the object itself."),
        ignore="Where it is a fixed number of threads that run until the process ends."),
    Pattern("future-state", "the shared state of a future", called("std::async std::promise::* std::__future_base::* std::future::* std::__async_assoc_state::*"),
        fix=("It lives until the last future or promise of it is gone: a promise in a lost object, or a future in a list that is never cleared, keeps it.",)),
    Pattern("exception-object", "an exception", called("cxa_allocate_exception cxa_allocate_dependent_exception std::make_exception_ptr std::exception_ptr::*"), ("libstdc++*", "libc++*", "libsupc++*", "vgpreload_*", "libasan*"),
        fix=("An exception lives until the last handler or std::exception_ptr of it is gone: look for an exception_ptr that is stored and never cleared.",
             "exit(), longjmp and a thread that is cancelled inside a handler leave the exception behind."),
        ignore="Where the program ends by an exception nobody catches: it is the very one that ended it."),
    Pattern("file-stream", "a file stream's buffer or locale", called("std::basic_filebuf::* std::basic_ifstream::* std::basic_ofstream::* std::basic_fstream::* std::basic_file::* std::__basic_file::*"),
        fix=(_OWNER, "With the stream its descriptor is lost: record with --track-fds=yes.")),
    Pattern("locale-facets", "parts of a C++ locale", called("std::locale::* std::locale::_Impl::* std::ctype::* std::use_facet"), fix=(
        "Facets are counted by their locale: one that is made with a reference count of 1 is never deleted by it.",
        _OWNER), ignore="Where it is still reachable: the standard library keeps its classic locale until the end."),
    Pattern("regex-automaton", "the automaton of a std::regex", called("std::basic_regex::* std::__detail::_Compiler::* std::__detail::_NFA::* std::__detail::__compile_nfa"), fix=(
        _OWNER, "Compile a pattern once, as a static const std::regex: that is faster, too.")),
    Pattern("memory-resource", "memory of a polymorphic memory resource", called("std::pmr::monotonic_buffer_resource::* std::pmr::unsynchronized_pool_resource::* std::pmr::synchronized_pool_resource::* std::pmr::__pool_resource::* std::pmr::memory_resource::allocate std::pmr::polymorphic_allocator::*"),
        release="release() or the destructor of the resource",
        fix=("A monotonic resource gives nothing back before release() or its own end: one with long life only grows.",
             "The resource must live longer than what was allocated from it, and must itself end.")),
    Pattern("demangled-name", "a readable name", called("cxa_demangle abi::__cxa_demangle"), ("libstdc++*", "libc++*"), release="free",
        fix=("It is free that releases it, not delete: wrap it as std::unique_ptr<char, decltype(&std::free)>.",)),
    Pattern("thread-exit-handlers", "the list of destructors of thread-local objects", called("cxa_thread_atexit cxa_thread_atexit_impl"), kinds=KEPT, is_harmless=True,
        fix=("It goes when the thread ends: join the threads before the process ends.",),
        ignore="Where it is one entry for each thread and thread-local object."),
    Pattern("emergency-pool", "the emergency pool of libstdc++, from which exceptions are made when memory has run out", called("*::pool::pool call_init _dl_init"), ("libstdc++*", "ld-linux*", "ld-*.so*"), Place.ANYWHERE,
        kinds=KEPT, block_bytes=frozenset({72_704, 73_728}), is_harmless=True,
        fix=("Nothing: the C++ run-time makes it once, before main. Valgrind frees it at exit unless --run-cxx-freeres=no is given or it is older than 3.12.",),
        ignore="Always. It is one block, 72,704 bytes in GCC 5 to 12, the same in every program that uses C++."),
    Pattern("global-object", "memory of a global object, made before main", called("__static_initialization_and_destruction_0 _GLOBAL__sub_I_* __cxx_global_var_init*"),
        place=Place.ANYWHERE, kinds=KEPT,
        fix=("A global raw pointer is never deleted. A global object, std::unique_ptr or function-local static is destroyed at exit.",),
        ignore="Where it is made once and does not grow with the work done."),
)  # fmt: skip
