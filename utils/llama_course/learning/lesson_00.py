"""The one check of lesson 00: a first "not yet" that becomes a "passed"."""

from llama_course.learning.checks import exercise, expect, expect_function


@exercise("00.1", title="A first check", difficulty=1, minutes=1)
def check_00_1(double):
    expect_function(double, "number")
    expect(double(2) == 4, "double(2) must be 4.")
    expect(double(5) != 7, "double(5) gave 7: 2 was added. It happens to work for 2, not for other numbers.")
    expect(double(5) == 10 and double(-1) == -2, "double(5) and double(−1) must be 10 and −2.")
    return "twice the number, whatever the number."
