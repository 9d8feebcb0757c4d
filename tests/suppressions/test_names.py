"""What globs over linker names are answered from readable names is never wrong: the linker names are at hand here."""

from __future__ import annotations

import random

import pytest

from leakreport.model.raw import Frame
from leakreport.suppressions.answers import Answer
from leakreport.suppressions.globs import Glob
from leakreport.suppressions.mangling import mangled_glob
from leakreport.suppressions.names import function_answer
from leakreport.symbols.demangle import demangle

LINKER_NAMES = """
_ZN4shop5TableIiE3addEi _ZNK4shop5TableIiE4lookEm _ZN4shop3addEPFPvmEm _ZN4shop3BoxC1Ei _ZN4shop3BoxC2Ei _ZN4shop3BoxD0Ev
_ZL5localPFPvmEm _Z5localPFPvmEm _ZN4shopL5localEv _ZN4shop12_GLOBAL__N_16hiddenEd _ZN4shop7straßeEv _Z3foov _ZN3fooC1Ev
_ZN3foo3fooEv _ZSt4sortIPiEvT_S1_ _ZNSt6vectorIiSaIiEE9push_backERKi _ZNKSt8functionIFPvmEEclEm _Znwm _ZnamRKSt9nothrow_t
_ZN4shop4deepILi3ELb1EEEPvPFS1_mEm _ZZN4shop3addEiENKUlmE_clEm _ZZN2ns3fooEiEN5Local3barEv _ZN2ns3fooEiz
_ZN5boost6system10error_codeC2Eiv _ZN1aC1ERKS_ _ZNSsC1EPKcRKSaIcE _ZN2op1AplERKS0_ _Z4initPPcS0_o _ZN9alloc_one3runEcll
_ZThn8_N1B1fEv _ZTv0_n24_N1B1fEv _ZN3abi5namedB5cxx11Ev _ZN2ns1fIJidEEEvDpT_ _Z1fPFivE _ZN2ns4pairINS_1aES1_E5firstEv
_ZN4core3ptr13drop_in_place17h0123456789abcdefE _ZN2ns1fEPU8__strongi _ZN6dlopen1bEiii _ZN2ns6Worker3runEvPKc
""".split()
LIKE_A_CONSTRUCTOR = "_ZN3foo3fooEv"
"""The function `foo` of a namespace `foo`: it is taken for the constructor, which is what reads so in earnest."""
HAND_MADE = """
*shop* *Table* _ZN4shop* _ZN4shop5Table* _ZN4shop5TableI* _ZN4shop5TableI*E* _ZNK* _ZN* _Z* _ZN4sh* _ZN4shop3* _ZN4shop3B* *add*
*alloc* *dlopen* *iii* *Ev* *C1* _ZN4shop3BoxC* *vector* _ZNSt* _ZSt* *E _ZN3foo3foo* _ZN3foo* _ZN4shop5local* *local* _Z5local*
*_GLOBAL__N_1* *hidden* *straße* *stra??e* malloc* ?Z* * ** *run* *cxx11* *named* *Local* _ZN2ns* _ZN2ns1f* *Worker?run* *pair*a* *ptr*
""".split()


def _made_globs() -> list[str]:
    source = random.Random(7)
    made = []
    for _ in range(600):
        name = source.choice(LINKER_NAMES)
        for _ in range(source.choice([1, 1, 2])):
            start, stop = sorted(source.sample(range(len(name) + 1), 2))
            name = f"{name[:start]}{source.choice(['*', '*', '?'])}{name[stop:]}"
        made.append(f"{source.choice(['', '', '*'])}{name}{source.choice(['', '*', '*'])}")
    return made


@pytest.mark.parametrize("linker_name", LINKER_NAMES)
def test_no_answer_is_wrong(linker_name: str) -> None:
    readable = demangle(linker_name)
    decided = 0
    for text in [*HAND_MADE, *_made_globs()]:
        if "*" not in text and "?" not in text:
            continue
        answer = function_answer(Glob(text), Frame(readable), demangle)
        truth = Glob(text).fits(linker_name)
        if linker_name == LIKE_A_CONSTRUCTOR and answer is Answer.YES:
            truth = truth or Glob(text).fits("_ZN3fooC1Ev")
        assert answer is Answer.UNKNOWN or (answer is Answer.YES) == truth, (text, readable)
        decided += answer is not Answer.UNKNOWN
    assert decided > 10 or "(" not in readable


@pytest.mark.parametrize(
    ("text", "readable", "answer"),
    [
        ("_ZN4shop*", "shop::Table<int>::add(int)", Answer.YES),
        ("_ZN4shop5Table*", "shop::Table<int>::add(int)", Answer.YES),
        ("_ZN4shop5TableI*E*", "shop::Table<int>::add(int)", Answer.YES),
        ("_ZN5other*", "shop::Table<int>::add(int)", Answer.NO),
        ("*Table*", "shop::Table<int>::add(int)", Answer.YES),
        ("*dlopen*", "shop::Table<int>::add(int)", Answer.NO),
        ("g_*", "shop::Table<int>::add(int)", Answer.NO),
        ("_ZN4shop3BoxC?E*", "shop::Box::Box(int)", Answer.YES),
        ("_ZN4shop3BoxC*", "shop::Box::Box(int)", Answer.YES),
        ("_ZN4shop3BoxC1E*", "shop::Box::Box(int)", Answer.UNKNOWN),
        ("_ZN4shop3Box3BoxE*", "shop::Box::Box(int)", Answer.UNKNOWN),
        ("_ZN4shop3BoxC?E*", "shop::Box::~Box()", Answer.NO),
        ("_ZN4shop3BoxC?E*", "shop::Bag::Bag(int)", Answer.NO),
        ("_ZN4shop3BoxC?E*", "shop::Box::C(int)", Answer.NO),
        ("_ZN4shop3BoxC?Ei", "shop::Box::Box(double)", Answer.NO),
        ("_ZN4shop3BoxD?E*", "shop::Box::~Box()", Answer.YES),
        ("_ZN4shop3BoxD0E*", "shop::Box::~Box()", Answer.UNKNOWN),
        ("_ZN4shop3BoxI*EC?E*", "shop::Box<int>::Box(int)", Answer.YES),
        ("_ZN4shop3BoxIdEC?E*", "shop::Box<int>::Box(int)", Answer.NO),
        ("_ZN4shop3BoxC?I*E*", "shop::Box::Box<int>(int)", Answer.YES),
        ("_Znwm", "operator new(unsigned long)", Answer.YES),
        ("_ZN4shop3addEi", "shop::add(int)", Answer.YES),
        ("shop::add*", "shop::add(int)", Answer.NO),
    ],
)
def test_what_readable_names_decide(text: str, readable: str, answer: Answer) -> None:
    assert function_answer(Glob(text), Frame(readable), demangle) is answer


def test_names_of_c_are_the_linkers_own() -> None:
    assert function_answer(Glob("xml?ew*"), Frame("xmlNewDoc"), demangle) is Answer.YES
    assert function_answer(Glob("_Z3fooi"), Frame("foo"), demangle) is Answer.NO


def test_inlined_calls_have_no_linker_name() -> None:
    inlined = Frame("add<a::b>", is_inlined=True)
    assert function_answer(Glob("add*"), inlined, demangle) is Answer.YES
    assert function_answer(Glob("_ZN*add*"), inlined, demangle) is Answer.NO


@pytest.mark.parametrize("linker_name", [name for name in LINKER_NAMES if "C1E" in name or "C2E" in name])
def test_the_glob_that_is_written_for_a_constructor_fits_it(linker_name: str) -> None:
    readable = demangle(linker_name)
    glob = mangled_glob(readable)
    assert glob is not None
    assert Glob(glob).fits(linker_name)
    assert function_answer(Glob(glob), Frame(readable), demangle) is Answer.YES
