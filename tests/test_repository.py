"""One address, and the links that follow from it."""

from urllib.parse import parse_qs, urlsplit

import pytest

from llama_course import cli, paths, repository
from llama_course.repository import Repository, RepositoryError, need_published, parse_repository, published

SCHOOL = Repository("some-school", "unboxing.llama_2")


@pytest.mark.parametrize(
    "text",
    [
        "some-school/unboxing.llama_2",
        " https://github.com/some-school/unboxing.llama_2/ ",
        "https://github.com/some-school/unboxing.llama_2.git",
        "git@github.com:some-school/unboxing.llama_2.git",
    ],
)
def test_a_repository_is_named_in_the_ways_people_name_it(text):
    assert parse_repository(text) == SCHOOL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "school",
        "a/b/c",
        "-a/b",
        "a-/b",
        "a/..",
        "a/b c",
        "https://example.org/a/b",
        "a/b?x=1",
        "a/b)[",
        "OWNER/NAME",
    ],
)
def test_what_is_no_repository_is_refused_with_what_is_expected(text):
    with pytest.raises(RepositoryError, match="Expected the owner and the name of a repository on GitHub"):
        parse_repository(text)


@pytest.mark.parametrize("branch", ["", "a b", "-x", "a..b", "a//b", "x.lock", "a/", 'a"b'])
def test_what_is_no_branch_is_refused(branch):
    with pytest.raises(RepositoryError, match="Expected the name of a branch such as main"):
        parse_repository("a/b", branch)


def test_colab_and_binder_open_the_notebook_of_the_branch():
    there = Repository("school", "course", "spring/2027")
    assert there.colab("course/02_x.ipynb") == (
        "https://colab.research.google.com/github/school/course/blob/spring/2027/course/02_x.ipynb"
    )
    assert there.binder("course/02_x.ipynb") == (
        "https://mybinder.org/v2/gh/school/course/spring%2F2027?urlpath=lab/tree/course/02_x.ipynb"
    )
    assert there.archive == "https://github.com/school/course/archive/refs/heads/spring/2027.zip"


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("https://hub.example.org", "https://hub.example.org"),
        ("https://hub.example.org/hub/", "https://hub.example.org"),
        ("http://192.0.2.7:8000/jupyter", "http://192.0.2.7:8000/jupyter"),
    ],
)
def test_a_hubs_link_says_what_to_bring_and_what_to_open(address, base):
    link = urlsplit(SCHOOL.hub(address, "exercises/02_x.ipynb"))
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{base}/hub/user-redirect/git-pull"
    assert parse_qs(link.query) == {
        "repo": ["https://github.com/some-school/unboxing.llama_2"],
        "branch": ["main"],
        "urlpath": ["lab/tree/unboxing.llama_2/exercises/02_x.ipynb"],  # in the folder that the clone is
    }


@pytest.mark.parametrize("address", ["hub.example.org", "ftp://hub.example.org", "https://", "https://h.org/?x=1", ""])
def test_what_is_no_hub_is_refused(address):
    with pytest.raises(RepositoryError, match="Expected the address of a hub such as https"):
        SCHOOL.hub(address)


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A function that writes the address file that the package then reads."""

    def write(text):
        (tmp_path / repository.ADDRESS_FILE).write_text(text, encoding="utf-8")
        monkeypatch.setattr(paths, "data_file", lambda name: tmp_path / name)

    return write


def test_the_address_is_read_from_its_one_place(saved):
    saved('{"repository": "a/b", "branch": "dev"}')
    assert published() == need_published() == Repository("a", "b", "dev")


def test_without_an_address_there_is_no_link_but_a_way_on(saved, capsys):
    saved('{"repository": null, "branch": "main"}')
    assert published() is None
    assert cli.main(["links"]) == 1
    error = capsys.readouterr().err
    assert "llama-course set-repository" in error
    assert "llama-course notebooks" in error


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"repository": 3, "branch": "main"}', '{"repository": "a/b"}'])
def test_a_broken_address_file_is_named(saved, text):
    saved(text)
    with pytest.raises(RepositoryError, match=r"repository\.json should hold a repository and a branch"):
        published()


def test_the_links_are_printed_with_the_hubs(saved, capsys):
    saved('{"repository": "a/b", "branch": "main"}')
    assert cli.main(["links", "--hub", "https://hub.example.org", "--notebook", "course/05_fine_tuning.ipynb"]) == 0
    out = capsys.readouterr().out
    assert out.count("05_fine_tuning.ipynb") == 3
    assert "https://hub.example.org/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fa%2Fb&" in out
