"""Known habits of libraries: what they keep on purpose until the process ends. Bounded, once, and no leak of yours.

Source: where a project says so itself, the row names the place. Versions are named only where a change is documented.
"""

from __future__ import annotations

from leakreport.advice.pattern import KEPT, Pattern, called

_NOTHING = "Nothing has to be done. To keep reports short, call the clean-up function at exit where there is one, or suppress it."
_ONCE = "Where it is still reachable and the same after twice the work."


def _known(
    slug: str,
    noun: str,
    calls: str,
    modules: tuple[str, ...],
    *fix: str,
    release: str = "",
) -> Pattern:
    return Pattern(
        slug,
        noun,
        called(calls),
        modules,
        release=release,
        fix=(*fix, _NOTHING),
        ignore=_ONCE,
        kinds=KEPT,
        is_harmless=True,
    )


PATTERNS: tuple[Pattern, ...] = (
    _known("glib-type-system", "types, quarks and interned strings of GLib", "g_type_register_static g_type_register_fundamental g_type_register_dynamic g_type_add_interface_static g_type_class_ref g_type_interface_add_prerequisite type_node_any_new_W g_quark_from_string g_quark_from_static_string g_quark_init g_intern_string g_intern_static_string gobject_init gobject_init_ctor glib_init glib_init_ctor g_param_spec_pool_new g_signal_new g_signal_newv g_type_class_add_private type_data_make_W", ("libglib-2*", "libgobject-2*", "libgio-2*"),
        "The type system never forgets a type; GLib ships suppressions for Valgrind in share/glib-2.0/valgrind/glib.supp."),
    _known("openssl-start", "tables, error queues and configuration of OpenSSL", "OPENSSL_init_crypto OPENSSL_init_ssl ERR_get_state ossl_err_get_state_int CRYPTO_THREAD_run_once OPENSSL_LH_insert ossl_init_* RAND_get0_public RAND_get0_private CONF_modules_load_file_ex CONF_modules_load CRYPTO_get_ex_new_index ERR_load_strings SSL_library_init OPENSSL_add_all_algorithms_noconf ossl_provider_activate ossl_lib_ctx_get_concrete", ("libssl*", "libcrypto*"),
        "Since OpenSSL 1.1.0 OPENSSL_cleanup runs by itself through atexit: what is reachable then was still in use, or the process did not end by exit.",
        release="OPENSSL_cleanup"),
    _known("curl-start", "the global state of libcurl", "curl_global_init curl_global_init_mem global_init", ("libcurl*",), release="curl_global_cleanup"),
    _known("xml-start", "the global state of libxml2", "xmlInitParser xmlInitGlobals xmlInitCharEncodingHandlers xmlInitMemory xmlInitializeCatalog xmlLoadCatalogs xmlRegisterDefaultInputCallbacks xmlInitThreads xmlGetGlobalState xmlInitializePredefinedEntities xmlInitializeDict xmlNewMutex xmlNewRMutex", ("libxml2*",),
        "Call xmlCleanupParser once, when no thread uses the library any more.", release="xmlCleanupParser"),
    _known("sqlite-start", "the global state of SQLite", "sqlite3_initialize sqlite3_os_init sqlite3PcacheInitialize sqlite3_config", ("*sqlite3*",), release="sqlite3_shutdown"),
    _known("fontconfig-start", "the configuration and caches of Fontconfig", "FcInit FcInitLoadConfig FcInitLoadConfigAndFonts FcConfigGetCurrent FcConfigSubstitute FcConfigSubstituteWithPat FcConfigParseAndLoad FcConfigParseAndLoadFromMemory FcFontMatch FcFontSort FcDirCacheRead FcPatternObjectInsertElt FcValueListCreate", ("libfontconfig*",),
        "FcFini releases it, once nothing uses fonts any more; it fails where a pattern is still held.", release="FcFini"),
    _known("dbus-start", "shared connections and tables of D-Bus", "dbus_bus_get dbus_bus_get_private dbus_threads_init_default dbus_threads_init _dbus_register_shutdown_func dbus_connection_open dbus_internals_shutdown_init bus_get dbus_register_shutdown_func", ("libdbus-1*",),
        "dbus_shutdown is meant for leak checks in tests: after it the library cannot be used.", release="dbus_shutdown"),
    _known("openmp-threads", "the pool of OpenMP threads", "GOMP_parallel gomp_team_start gomp_new_team gomp_malloc gomp_malloc_cleared gomp_init_num_threads gomp_thread_start gomp_get_thread_pool initialize_env __kmp_* kmp_* GOMP_parallel_start gomp_realloc omp_*", ("libgomp*", "libomp*", "libiomp5*"),
        "The run-time keeps its threads for the next parallel region; with libgomp their stacks are possibly lost at exit (_dl_allocate_tls through gomp_team_start).",
        "omp_pause_resource_all(omp_pause_hard) of OpenMP 5.0 ends the pool."),
    _known("cuda-driver", "state of the CUDA driver and run-time", "cuInit cuCtxCreate* cuDevicePrimaryCtxRetain cudaMalloc cudaFree cudaGetDeviceCount cudaSetDevice cudaStreamCreate* cudaLaunchKernel cu*", ("libcuda.so*", "libcudart*", "libnvidia-*"),
        "compute-sanitizer --tool memcheck --leak-check full finds leaks of device memory, which no heap tool sees.",
        "cudaDeviceReset at the end releases the context of the run-time."),
    _known("opengl-driver", "state of an OpenGL or Vulkan driver", "*", ("*_dri.so", "libGLX*", "libGL.so*", "libEGL*", "libnvidia-*", "libvulkan*", "libgallium*", "libLLVM*"),
        "Drivers keep shaders and tables until the process ends."),
    _known("mpi-start", "the state of MPI", "MPI_Init MPI_Init_thread PMPI_Init PMPI_Init_thread ompi_mpi_init opal_init opal_init_util orte_init PMIx_Init mca_base_*", ("libmpi*", "libopen-*", "libpmix*", "mca_*", "libmpich*"),
        "Open MPI ships suppressions for Valgrind: share/openmpi/openmpi-valgrind.supp. Check that MPI_Finalize is called.", release="MPI_Finalize"),
    _known("python-interpreter", "what the Python interpreter made at its start: interned strings, types, modules", "Py_InitializeFromConfig Py_Initialize Py_InitializeEx pymain_init PyType_Ready PyUnicode_InternInPlace PyUnicode_InternFromString PyInterpreterState_New init_import_site PyImport_ImportFrozenModule* pyinit_core pyinit_main PyInit_* _PyUnicode_InitTypes PyObject_Malloc pymalloc_alloc new_arena PyMem_RawMalloc", ("libpython*", "python*"),
        "Record with PYTHONMALLOC=malloc, or the stacks are those of pools; Python's sources have suppressions in Misc/valgrind-python.supp.",
        "For Python code tracemalloc and memray tell more."),
    _known("protobuf-start", "descriptors and default messages of Protocol Buffers", "google::protobuf::internal::OnShutdown* google::protobuf::DescriptorPool::* google::protobuf::internal::InitSCC* google::protobuf::MessageFactory::* google::protobuf::internal::AddDescriptors* google::protobuf::internal::InitProtobufDefaults* google::protobuf::EncodedDescriptorDatabase::*", ("libproto*",),
        release="google::protobuf::ShutdownProtobufLibrary"),
    _known("grpc-start", "the global state of gRPC", "grpc_init grpc_core::ExecCtx::* grpc_core::Executor::* grpc_iomgr_init grpc_register_plugin", ("libgrpc*", "libgpr*"), release="grpc_shutdown"),
    _known("ncurses-screen", "the screen and terminal description of ncurses", "initscr newterm setupterm _nc_setupterm _nc_setupscreen nc_setupscreen nc_setupterm start_color tgetent _nc_init_keytry", ("libncurses*", "libtinfo*", "libcurses*"),
        "endwin restores the terminal and frees nothing, as its manual says; exit_curses (ncurses 6.1.20191214 and later) releases the screen.", release="exit_curses"),
    _known("icu-start", "data and caches of ICU", "u_init_* ucln_* uprv_* umtx_initOnce* icu_*::umtx_initOnce icu_*::UnifiedCache::* icu_*::initCache* icu_*::Locale::*", ("libicu*",), release="u_cleanup_*"),
    _known("mozilla-nss-start", "the state of Mozilla's NSS and NSPR", "NSS_Init NSS_NoDB_Init NSS_InitContext NSS_Initialize nss_Init PR_Init PR_CallOnce PR_NewLock PR_NewThreadPrivateIndex PR_LoadLibraryWithFlags SECMOD_LoadModule", ("libnss3*", "libnspr4*", "libssl3*", "libsoftokn3*", "libnssutil3*"),
        release="NSS_Shutdown, then PR_Cleanup"),
    _known("llvm-static", "managed static objects and command-line options of LLVM", "llvm::ManagedStaticBase::* llvm::cl::* llvm::Pass*::registerPass llvm::PassRegistry::* llvm::initialize*", ("libLLVM*", "libclang*"), release="llvm::llvm_shutdown"),
    _known("qt-start", "application-wide data of Qt", "QCoreApplication::QCoreApplication QApplication::QApplication QGuiApplication::QGuiApplication QCoreApplicationPrivate::* QGuiApplicationPrivate::* QFactoryLoader::* QMetaType::registerNormalizedType QThreadData::* QLibraryPrivate::* QFontDatabase* qRegisterStaticPluginFunction", ("libQt*", "libqxcb*", "libq*.so")),
    _known("gtk-start", "settings, themes and caches of GTK", "gtk_init gtk_init_check gtk_settings_get_default gtk_css_provider_* gtk_style_context_* pango_* gdk_display_open* gtk_module_* gdk_screen_*", ("libgtk-*", "libgdk-*", "libpango*", "libgdk_pixbuf*"),
        "GTK ships suppressions for Valgrind in share/gtk-3.0/valgrind (gtk.supp)."),
    _known("tls-gnutls-start", "the global state of GnuTLS", "gnutls_global_init _gnutls_global_init gnutls_global_init lib_init p11_kit_modules_load_and_initialize", ("libgnutls*", "libp11-kit*"),
        "Since GnuTLS 3.3.0 it starts and ends by itself.", release="gnutls_global_deinit"),
    _known("libgcrypt-start", "the state of libgcrypt", "gcry_check_version gcry_control _gcry_check_version _gcry_vcontrol gcry_check_version global_init", ("libgcrypt*",)),
    _known("heap-profiler-own", "memory of the profiler itself", "je_prof_* prof_tctx_* MallocExtension::* tcmalloc::* HeapProfilerStart HeapProfileTable::* heaptrack_* _Unwind_Find_FDE _Unwind_Backtrace", ("libjemalloc*", "libtcmalloc*", "libheaptrack*", "libprofiler*", "libunwind*")),
)  # fmt: skip
