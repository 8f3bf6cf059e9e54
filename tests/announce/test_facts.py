"""Facts that an author writes: signs added where they were left out, and plain words where a value has the wrong shape."""

import re
from pathlib import Path

import pytest

from breadth.announce.facts import Facts, read_facts
from breadth.errors import AnnounceError

HANDLE = 'expected one such as "@name" or "@name@server"; correct the value'


def test_signs_are_added_where_they_were_left_out(tmp_path):
    path = tmp_path / "facts.toml"
    path.write_text('hashtags = ["NLP", "#ML"]\n[handles]\n"Ada Quill" = "adaquill"\n"Bo" = "@bo@b.org"\n"Cy" = "cy@b.org"\n')
    known = read_facts(path)
    assert known.hashtags == ("#NLP", "#ML")
    assert known.handles == {"Ada Quill": "@adaquill", "Bo": "@bo@b.org", "Cy": "@cy@b.org"}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('handles = ["@a"]', 'handles is a table: [handles] then "Author Name" = "@handle"'),
        ('handles = "@a"', 'handles is a table: [handles] then "Author Name" = "@handle"'),
        ('[handles]\n"Ada" = ["@a"]', "each value of handles is text in quotes"),
        ('[handles]\n"Ada" = "https://x.com/a"', f"handles.Ada: 'https://x.com/a' is no handle; {HANDLE}"),
        ('[handles]\n"Ada" = ""', f"handles.Ada: '' is no handle; {HANDLE}"),
        ('hashtags = "#NLP"', 'hashtags is a list: hashtags = ["...", "..."]'),
        ("hashtags = [7]", "each value of hashtags is text in quotes"),
        (
            'hashtags = ["two words"]',
            "hashtags.0: 'two words' is no hashtag; expected one word such as \"#NLP\"; correct the value",
        ),
        ("venue = 2023", 'venue is text in quotes: venue = "..."'),
        ('no_code = "perhaps"', "no_code is true or false: no_code = true"),
        ('crops = ["Figure 2"]', 'crops is a table: [crops] then "Figure 2" = "p2:343,220,541,300"'),
        (
            'thanks = "to all"',
            "unknown key 'thanks'; expected one of: title, authors, venue, paper_url, code_url, no_code, hashtags, handles, urls, names, "
            "finding, limitation, credits, crops; did you mean 'credits'?",
        ),
    ],
)
def test_a_value_of_the_wrong_shape_is_told_in_plain_words(tmp_path, written, message):
    path = tmp_path / "facts.toml"
    path.write_text(written)
    with pytest.raises(AnnounceError) as caught:
        read_facts(path)
    assert str(caught.value) == f"facts '{path}': {message}"


def test_handles_that_no_post_holds():
    known = Facts(handles={"Ada": "@ada", "Bo": "@bo@b.org", "Cy": "@cy", "Di": "@di"})
    assert known.unused(["By @ada.", "Thanks to @bo@b.org, @cyrus and https://x.com/@di"]) == {"Cy": "@cy", "Di": "@di"}


def test_the_guide_tells_every_key_and_its_example_is_read(tmp_path):
    guide = (Path(__file__).parents[2] / "docs/announce.md").read_text()
    part = guide.split("## What only the author knows: facts.toml")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", part, re.M) == list(Facts.model_fields)
    path = tmp_path / "facts.toml"
    path.write_text(part.split("```toml\n")[1].split("```")[0])
    assert read_facts(path).handles == {"Ada Quill": "@adaquill"}
