"""HTML pieces: escaped, labelled, and readable as text."""

from llama_course.models.interface import Token
from llama_course.widgets import html

PLANTED = "<img src=x onerror=alert(1)> & \"'"


def test_every_piece_escapes_what_it_is_given():
    token = Token(1, PLANTED, PLANTED.encode())
    pieces = [
        html.paragraph(PLANTED),
        html.code(PLANTED),
        html.join([PLANTED], PLANTED),
        html.table([[PLANTED, PLANTED]], [PLANTED], PLANTED),
        html.bar_table([PLANTED], [1.0], [PLANTED, "share"], PLANTED),
        html.tokens([token], focusable=True),
    ]
    for piece in pieces:
        assert "<img" not in piece
        assert "&lt;img" in piece


def test_what_is_html_already_is_not_escaped_twice():
    assert html.escape(html.escape("<")) == "&lt;"


def test_tables_have_headings_for_columns_and_rows():
    table = html.table([["a", 1]], ["name", "size"], caption="Sizes", numeric=[1])
    assert table.count('scope="col"') == 2
    assert table.count('scope="row"') == 1
    assert "<caption" in table


def test_bars_are_decoration_and_stay_within_their_frame():
    assert 'aria-hidden="true"' in html.bar(0.5)
    assert "width:100.00%" in html.bar(7)
    assert "width:0.00%" in html.bar(-1)


def test_a_small_share_is_not_called_nothing():
    assert html.percent(0.0001) == "< 0.1 %"
    assert html.percent(0) == "0.0 %"
    assert html.percent(0.1234) == "12.3 %"


def test_numbers_agree_with_their_nouns():
    assert [html.count(n, "token") for n in (0, 1, 2000)] == ["0 tokens", "1 token", "2,000 tokens"]


def test_a_bar_table_of_nothing_divides_by_nothing():
    assert "0.0 %" in html.bar_table(["a"], [0.0], ["token", "share"])


def test_tokens_are_told_apart_without_colour_and_say_where_they_are():
    page = html.tokens([Token(5, " llama", b" llama"), Token(6, "\ufffd", b"\xf0")], focusable=True)
    assert "token 1 of 2: ‘ llama’, id 5" in page
    assert "&lt;0xF0&gt;" in page
    assert "1px solid" in page
    assert "1px dashed" in page
    assert page.count('tabindex="0"') == 2
    assert "tabindex" not in html.tokens([Token(5, "a", b"a")])


def test_the_text_of_html_keeps_words_and_leaves_out_marks():
    table = html.table([["<a>", "1"]], ["name", "size"], caption="Sizes")
    assert [line.split() for line in html.to_text(table).splitlines()] == [["Sizes"], ["name", "size"], ["<a>", "1"]]
    assert html.to_text('<figure><img alt="a llama"></figure>') == "a llama"
