"""Other run-times above native memory: Rust, the JVM, Python, Go, Node.js, Qt.

Source: the Rust standard library's documentation of `Box::leak`, `mem::forget` and `Rc`; the JNI specification (chapters 4
and 5, local and global references); OpenJDK 17 sources; the Python/C API manual; cmd/cgo; the Node-API manual; Qt 5 manual.
"""

from __future__ import annotations

from leakreport.advice.pattern import KEPT, Pattern, called, handle

_JVM, _PYTHON = ("libjvm*", "libjava*", "libzip*", "libnio*", "libunsafe*"), ("libpython*", "python*")

PATTERNS: tuple[Pattern, ...] = (
    Pattern("rust-allocation", "memory of a Rust value", called("malloc calloc realloc rust_alloc rdl_alloc rg_alloc rust_alloc_zeroed rust_realloc alloc::alloc::*"), is_rust=True,
        hint="In Rust, memory is lost through Box::leak, mem::forget, into_raw without from_raw, or a cycle of Rc or Arc.",
        fix=("Look for Box::leak, Vec::leak, mem::forget and ManuallyDrop on the way of this value.",
             "Every into_raw needs a from_raw, usually in a function that C calls.",
             "process::exit and a panic with abort run no destructors: what was alive then is listed.")),
    Pattern("rust-counted", "a value with a count of its owners", called("alloc::rc::Rc::new alloc::sync::Arc::new alloc::rc::Rc* alloc::sync::Arc* *Rc::new *Arc::new"), is_rust=True,
        hint="An Rc or Arc is lost where its owners point to each other in a ring: Weak breaks it.",
        fix=("Owners that point to each other in a ring keep each other: make one direction Weak.",
             "A closure that captures the Arc it is stored in is such a ring."),
        prove="Keep a Weak in a test: upgrade() must give None once the last owner is gone."),
    Pattern("rust-c-string", "a string for C", called("alloc::ffi::c_str::CString::* std::ffi::c_str::CString::* *CString::new* *CString::from_vec*"), is_rust=True, release="CString::from_raw",
        fix=("CString::into_raw hands the block out; only CString::from_raw takes it back, never free.",)),
    Pattern("rust-thread", "what a thread of Rust was started with", called("std::thread::Builder::* std::thread::spawn std::thread::Thread::new std::thread::*"), is_rust=True, kinds=KEPT,
        fix=("A JoinHandle that is dropped leaves the thread running: join it before main returns.",),
        ignore="Where it is a fixed number of threads that run until the process ends."),
    Pattern("rust-static", "the value of a lazy static", called("std::sync::once_lock::* std::sync::once::* std::sync::lazy_lock::* once_cell::* lazy_static::* *OnceCell::* *OnceLock::* *LazyLock::*"), is_rust=True, kinds=KEPT,
        fix=("A static of Rust is never dropped: that is what the language says.",), ignore="Where it is made once and does not grow."),
    handle("jni-global-reference", "a global reference to a Java object", "JNIHandles::make_global *make_weak_global jni_NewGlobalRef jni_NewWeakGlobalRef NewGlobalRef", "DeleteGlobalRef", _JVM,
        "Each keeps its Java object alive, so the Java heap leaks with it: a heap dump shows the object with a JNI global root."),
    handle("jni-string", "a copy of a Java string's characters", "jni_GetStringUTFChars jni_GetStringChars jni_GetStringCritical", "ReleaseStringUTFChars or ReleaseStringChars", _JVM, "An early return between Get and Release is the usual way to lose it."),
    handle("jni-array", "a copy of a Java array's elements", "jni_Get*ArrayElements jni_GetPrimitiveArrayCritical", "the Release function of the same name, also with JNI_ABORT", _JVM),
    handle("jni-local-frame", "a block of local references", "jni_PushLocalFrame JNIHandleBlock::allocate_block jni_AttachCurrentThread attach_current_thread", "PopLocalFrame (of an attached thread, DetachCurrentThread)", _JVM,
        "Native code in a loop that never returns to Java needs DeleteLocalRef in each round."),
    Pattern("jvm-direct-buffer", "memory of a direct buffer or of Unsafe", called("Unsafe_AllocateMemory0 Unsafe_AllocateMemory Unsafe_ReallocateMemory0 Unsafe_AllocateMemory0"), _JVM,
        fix=("A direct ByteBuffer gives its memory back when the buffer object is collected: look for buffers that are kept, and set -XX:MaxDirectMemorySize.",
             "Netty and others call Unsafe themselves: -Dio.netty.leakDetection.level=paranoid names buffers that were not released."),
        prove="jcmd PID VM.native_memory summary.diff: the category Other must not grow."),
    handle("jvm-zip-stream", "the zlib state of an Inflater or Deflater", "Java_java_util_zip_Inflater_init Java_java_util_zip_Deflater_init", "Inflater.end() or Deflater.end()", _JVM,
        "Close GZIP and zip streams with try-with-resources: the collector does it late or never."),
    Pattern("jvm-internal", "memory that the JVM keeps for itself", called("os::malloc os::realloc AllocateHeap ReallocateHeap Arena::grow Chunk::operator* Arena::*"), ("libjvm*",), kinds=KEPT,
        fix=("The JVM's own accounts tell more than a native stack: -XX:NativeMemoryTracking=summary and jcmd PID VM.native_memory summary.diff.",),
        ignore="Where NativeMemoryTracking shows that the category does not grow."),
    Pattern("python-object", "a Python object made by native code", called("PyList_New PyDict_New PyTuple_New PyUnicode_From* PyBytes_From* PyLong_From* PyFloat_From* Py_BuildValue PyObject_Call* PyObject_GetAttr* PySet_New PyErr_Fetch PyImport_Import*"), _PYTHON, release="Py_DECREF",
        fix=("A function of an extension that returns a new reference hands it to its caller: Py_DECREF it on every way out, the error path too.",
             "PyList_Append and PyDict_SetItem count up, PyList_SetItem and PyTuple_SetItem take over."),
        ignore="Where the interpreter made it at its start: see the row of the interpreter.",
        prove="sys.gettotalrefcount() of a debug build must be the same after each round."),
    Pattern("python-buffer", "a buffer or block of Python", called("PyObject_GetBuffer PyMem_Malloc PyMem_Realloc PyMem_Calloc PyMem_RawMalloc PyMem_RawRealloc"), _PYTHON, release="PyBuffer_Release or PyMem_Free",
        fix=("Each allocator of Python goes with its own release: PyMem_Malloc with PyMem_Free, PyMem_RawMalloc with PyMem_RawFree, PyObject_GetBuffer with PyBuffer_Release.",),
        without=called("Py_Initialize* Py_InitializeFromConfig pymain_init Py_RunMain Py_BytesMain")),
    Pattern("go-c-memory", "memory that Go allocated in C", called("_cgo_*_Cfunc_CString _cgo_*_Cfunc__CMalloc x_cgo_* cgo_*_Cfunc_CString cgo_*_Cfunc__CMalloc"), release="C.free",
        fix=("C.CString, C.CBytes and C.malloc are not seen by Go's collector: defer C.free(unsafe.Pointer(p)) right behind them.",)),
    handle("node-reference", "a reference of a native add-on", "napi_create_reference napi_wrap napi_create_threadsafe_function napi_create_async_work", "napi_delete_reference, napi_remove_wrap, napi_release_threadsafe_function or napi_delete_async_work", ("node*", "libnode*")),
    Pattern("qt-object", "an object of Qt", called("QObject::QObject QWidget::QWidget QObjectPrivate::* QTimer::QTimer QWidgetPrivate::* QThread::QThread QNetworkAccessManager::*"), ("libQt*",),
        fix=("Give it a parent, which deletes it, or call deleteLater where it is done.",
             "deleteLater works only while an event loop of its thread runs: what is posted after that is lost at exit.",
             "A QNetworkReply belongs to you: deleteLater in the slot of finished."),
        ignore="Where it lives as long as the application."),
)  # fmt: skip
