"""Your own functions, by what their names say they do, and shapes of whole stacks.

Heuristic: a name says what a function is meant to do. It errs where `create_index` hands its result to a registry that
owns it; so these rows only say where to look.
"""

from __future__ import annotations

from leakreport.advice.pattern import KEPT, LOST, Pattern, Place, called

PATTERNS = (
    Pattern("allocation-wrapper", "memory through an allocation wrapper", place=Place.YOURS, fix=(
        "The wrapper is not to blame: look at its caller. With --alloc-fn WRAPPER reports name the callers instead.",
        "A wrapper usually has a partner that frees: check that memory of the one never goes to the other's free.",
    )),
    Pattern("constructor", "memory made while an object was being built", place=Place.YOURS, fix=(
        "The destructor of the class has to release it; a member std::unique_ptr or container does it without a destructor.",
        "If the constructor throws later on, the destructor does not run: only members that are complete are released.",
        "If the class is deleted through a base class, the base class needs a virtual destructor.",
    )),
    Pattern("assignment", "memory made by an assignment", called("*::operator=* operator=* *::operator_assign"), place=Place.YOURS, fix=(
        "An assignment has to release what the object held before; copy-and-swap, or members that own their memory, do it.",
    )),
    Pattern("factory", "an object that its caller owns", called("create_* *_create make_* *_make new_* *_new open_* *_open alloc_* *_alloc init_* *_init build_* *_build *::create* *::make* *::build* *::open*"), place=Place.YOURS, kinds=LOST, fix=(
        "By its name the function hands ownership to its caller: look for the partner (destroy, free, close, release) and for callers that return without calling it.",
        "In C++, a factory that returns std::unique_ptr makes forgetting impossible.",
    )),
    Pattern("copy", "a copy that its caller owns", called("clone_* *_clone copy_* *_copy dup_* *_dup duplicate* *_duplicate *::clone *::copy *::duplicate"), place=Place.YOURS, kinds=LOST, fix=(
        "The copy has its own owner: check that the caller releases it, and that deep copies release their parts.",
    )),
    Pattern("setter", "a value that a setter stores", called("set_* *_set assign_* update_* replace_* *::set_* *::set[A-Z]* *::assign *::update* *::replace*"), place=Place.YOURS, kinds=LOST, fix=(
        "The former value has to be released before the pointer to it is overwritten.",
    )),
    Pattern("input-parser", "memory made while reading input", called("parse_* *_parse read_* *_read load_* *_load decode_* *_decode *::parse* *::read* *::load* *::decode*"), place=Place.YOURS, kinds=LOST, fix=(
        "What is lost while input is read is often lost on the error path: look at every return, goto and throw behind this allocation.",
        "A fuzzer with LeakSanitizer finds the input that takes this way.",
    )),
    Pattern("singleton", "an object that is made once", called("instance get_instance getInstance Instance GetInstance *::instance *::getInstance *::get_instance *::Instance *::GetInstance *::singleton *::sharedInstance *::shared_instance"), place=Place.YOURS, kinds=KEPT, fix=(
        "A function-local static object instead of a static pointer is destroyed at exit.",
    ), ignore="Where it is one block: a singleton that is never deleted is often meant that way, to avoid trouble with the order of destruction."),
    Pattern("cache", "an entry of a cache", called("*cache* *Cache* *memo* *memoize* intern* *_intern *::intern* *lookup_or_* *get_or_create* *getOrCreate*"), place=Place.YOURS, kinds=KEPT, fix=(
        "A cache needs a bound: a number of entries, a size, or an age at which they go.",
        "Keys that never repeat (addresses, time stamps, request ids) make any cache a leak.",
    ), ignore="Where the number of different keys is bounded and reached.", prove="Do the same work twice in one process: the second half must add nothing."),
    Pattern("registration", "an entry of a list of listeners or handlers", called("register_* *_register subscribe* *_subscribe add_listener* *add_handler* *add_observer* *add_callback* connect_* *::subscribe* *::addListener* *::addObserver* *::addHandler* *::registerHandler* *::register*"), place=Place.YOURS, kinds=KEPT, fix=(
        "What is registered for an object with shorter life has to be taken out when that object ends: look for the partner (unregister, unsubscribe, disconnect).",
    ), ignore="Where registrations happen once at the start."),
    Pattern("collection", "an element that is put into a collection", called("append_* *_append push_* *_push insert_* *_insert enqueue* *_enqueue add_* *_add *::append* *::push* *::insert* *::enqueue* *::add* journal_*"), place=Place.YOURS, kinds=KEPT, fix=(
        "If it grows with the work done, more is put in than taken out: look for what should remove entries, and whether it runs.",
    ), ignore="Where the collection is bounded.", prove="Do twice the work: the bytes of this path must stay the same."),
    Pattern("thread-body", "memory that a thread held when the process ended", called("start_thread thread_start execute_native_thread_routine *_thread_main thread_native_entry"), place=Place.ANYWHERE, kinds=KEPT, fix=(
        "A thread that still runs at exit keeps what it holds, and its stack is no longer looked at for pointers once it is gone: stop and join it before main returns.",
    ), ignore="Where the thread is meant to run until the process ends and holds a fixed amount."),
    Pattern("unloaded-library", "memory made by a library that was unloaded before the end", place=Place.ANYWHERE, fix=(
        "The frames without names (???) are of an object that was closed with dlclose before the leak search. Record with --keep-debuginfo=yes (Valgrind 3.14 and later), or do not call dlclose in the run that is profiled.",
        "A plug-in has to release its memory in its own exit function, before it is unloaded.",
    )),
    Pattern("library-object", "memory of an object of a library that your function called",
        hint="It was allocated inside a library that your function called: look for the function of that library that releases what the call gives; free is usually the wrong one.",
        fix=("The documentation of the library names the function that releases what the call gives: free is usually the wrong one.",
             "Where the frame behind yours has no name, an optimised library jumped to a function of its own: look in the source which function your line calls."),
        ignore="Where the library keeps it for itself: made once, and the same after twice the work."),
    Pattern("library-only", "memory that a library keeps for itself", kinds=KEPT, place=Place.ANYWHERE, fix=(
        "No frame of this stack is yours: look whether the library has a clean-up function, and whether one of its objects was not released.",
        "If your code is missing because the stack was cut, record with --num-callers=40.",
    ), ignore="Where it is made once, at the library's start, and does not grow with the work done."),
)  # fmt: skip
