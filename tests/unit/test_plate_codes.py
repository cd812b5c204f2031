"""The code on a plate: what is mistyped is told from what nobody was given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.plates.codes import (
    ALPHABET,
    CODE_LENGTH,
    PlateMistyped,
    code_in_groups,
    code_new,
    code_read,
)

PLACES = st.integers(0, CODE_LENGTH - 1)
CHARACTERS = st.sampled_from(ALPHABET)
CODES = st.builds(code_new)


def is_code(text: str) -> bool:
    try:
        code_read(text)
    except PlateMistyped:
        return False
    return True


@given(CODES)
def test_a_code_is_read_as_it_was_printed_typed_or_read_out(code):
    assert code_read(code) == code
    assert code_read(f" {code_in_groups(code).lower()} ") == code
    assert code_read(code.replace("0", "O").replace("1", "l")) == code


@given(CODES, PLACES, PLACES, CHARACTERS, CHARACTERS)
def test_one_or_two_wrong_characters_are_found(code, first, second, one, other):
    wrong = list(code)
    wrong[first], wrong[second] = one, other
    assert is_code("".join(wrong)) == ("".join(wrong) == code)


@given(CODES, PLACES, PLACES)
def test_two_characters_that_changed_places_are_found(code, first, second):
    wrong = list(code)
    wrong[first], wrong[second] = wrong[second], wrong[first]
    assert is_code("".join(wrong)) == ("".join(wrong) == code)


@given(CODES, st.integers(0, CODE_LENGTH - 1))
def test_a_character_left_out_is_found(code, place):
    assert not is_code(code[:place] + code[place + 1 :])


@pytest.mark.parametrize(
    "text", ["", "-", "UUUUUUUUUUUU", "井盖井盖井盖井盖井盖井盖", "x" * 5000, "\x00" * 12]
)
def test_what_is_no_code_is_refused(text):
    with pytest.raises(PlateMistyped):
        code_read(text)


def test_full_width_characters_of_a_chinese_keyboard_are_read():
    code = code_new()
    wide = "".join(chr(ord(character) + 0xFEE0) for character in code)
    assert code_read(wide) == code


def test_codes_use_the_whole_alphabet_and_do_not_repeat():
    codes = {code_new() for _each in range(2_000)}
    assert len(codes) == 2_000
    assert {code[place] for code in codes for place in range(CODE_LENGTH)} == set(ALPHABET)
