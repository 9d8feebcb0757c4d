"""Words that stay in notes and messages where names must not be told: English, and the tools' own.

A message of an input can name anything; what is no word of this list is replaced (`tokens.prose_tokens`). A test keeps it
complete for the notes that leakreport itself writes.
"""

from __future__ import annotations

PROSE_WORDS = frozenset(
    (
        "--as --at --build-id --demangle=no --depth --heap=no --leak-check=no --no-symbols --num-callers "
        "--pages-as-heap=yes --peak-inaccuracy --raw --show-below-main=yes --show-leak-kinds=all --suppressions "
        "--symbol-path --sysroot --unit --xml-file --xtree-leak=yes --xtree-memory=full -dc -proto -q -s ... ??? a "
        "about access action add address addresses after again alignment all alloc'd allocated allocation "
        "allocations allocator allocator's already amount amounts an and any apart are argument as ask at attached "
        "attack b back base be because before behind below beside beyond binaries binutils bits block blocks bound "
        "breaks build but by byte bytes called callers calls can cannot certain check checker checkpoints child "
        "children client closed code column columns compared compares comparison complete conditional contains "
        "contradicts could count counted counts cpu created curb cut damaged data dealloc debug decide declares "
        "decompress deep default define definite definitely delete deleted depends descriptor descriptors "
        "destination dhat dhat's did difference dir distance do does double dtd dump during each earlier element "
        "empty end ended ends entities entries entry equal error error> errors es estimate estimates event events "
        "execution exit expands export false fewer field figure figures file file's files finish first fishy fit "
        "fits folded folder folds for forked format formats found fragmentation frames free free'd freed from full "
        "function functions gave give given glob go goes gone gperftools growth hang happened harm has have header "
        "headings heap heapprofile heaptrack heapz held here hid hidden hide high hold holds how i id ids if "
        "illegal in incomplete indirect indirectly information inherited inlined input inputs inside install into "
        "invalid is it its itself java jemalloc json judged judges jump keep keeps kept kheap kind kinds known "
        "knows lack larger largest last later leak leaked leakreport leaks leaksanitizer leave leaves left let lie "
        "lifetimes limit line lines list listed llvm-symbolizer log long loss lost low machine made main make "
        "makes malloc malloc's many mapped marked massif massif's may means meant measured memcheck memory merge "
        "mib mismatched missing mmap mode moment more move ms much name named names negative nest nested never new "
        "newer no none not nothing number numbers object of off often on once one ones only open opened options or "
        "order originally other otherwise out outer over overlap own page pages param parent parent's parents part "
        "parts passed past path paths peak per pid pipe place places plain point points possible possibly power "
        "pprof pps previously process processes profile profiled profiler profiles program protocol quantities ran "
        "range rarely raw reachable read reading reads realloc record recorded recording recordings records "
        "refused region report reported reports requests retain retained right rule rules run running runs s said "
        "same sample sampled samples sampling say says sbrk scaled search section sections see series set several "
        "shapes should shown shrink shrunk side signal size small smaller smallest snapshot snapshots so socket "
        "sound source speedscope stack stacks standard state states stderr stdin stdout still stops such sum "
        "summary sums suppressed suppressions symbol symbols syscall system tables taken takes tcmalloc's tell "
        "tells terminating text texts than that the their them then there these they this those thread threads "
        "threshold time times to together tokens told too tool totals tree tree's trees true truncated twice two "
        "type types unaddressable unattributed unbound uninitialised unit units unix unknown unreachable up use "
        "use-after-free used valgrind valgrind's valgrindoutput value values version vgdb was wastes were what "
        "when where which while whole whose with within without would write writes writing written wrote xml xtree "
        "yes zstd "
        # What is told of a process and of its allocator.
        "another anything between both codeowners command enlarged exact frees glibc grows hex kernel killed lazily lists mappings mtrace "
        "null old output p proc returned rounds seen shared sides sizes space status stays switched total tracing under whoever zst"
    ).split()
)
