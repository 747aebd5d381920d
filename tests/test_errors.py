"""`InputError`: one line, a ValueError, whole after a trip through pickle."""

import pickle

from pminusy import InputError


def test_one_line_of_what_expected_got_and_remedy():
    error = InputError("y", "labels", "floats", "convert with .astype(int)")
    assert str(error) == "y: expected labels, got floats; convert with .astype(int)"
    assert (error.what, error.expected, error.got) == ("y", "labels", "floats")


def test_the_remedy_may_be_left_out():
    assert str(InputError("y", "labels", "floats")) == "y: expected labels, got floats"


def test_it_is_a_value_error():
    assert isinstance(InputError("a", "b", "c"), ValueError)


def test_it_survives_pickling():
    error = InputError("y", "labels", "floats", "round")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
