"""A place set by hand for a figure that was not found: taken where the paper's text names it, refused where nothing does."""

import pytest

from announce.pdf_maker import Sheet, pdf_bytes
from breadth.announce.read.crops import refuse_misplaced
from breadth.announce.read.paper import read_paper
from breadth.errors import AnnounceError


def test_a_figure_that_only_the_text_names_may_be_set(tmp_path):
    sheet = Sheet()
    sheet.paragraph(
        90, 80, 430, "A paper of one page. As Fig. 3 shows, lanterns are quiet, and Table 12 lists them all in seven rows."
    )
    path = tmp_path / "paper.pdf"
    path.write_bytes(pdf_bytes([sheet]))
    source = read_paper(path)
    assert source.items == ()
    refuse_misplaced([("Figure 3", 1, (10, 10, 612.9, 90)), ("Table 12", 1, (10, 10, 90, 90))], source, path)
    for label in ("Figure 12", "Table 3", "Table 1"):
        with pytest.raises(AnnounceError) as caught:
            refuse_misplaced([(label, 1, (10, 10, 90, 90))], source, path)
        assert str(caught.value) == f"crop of {label}: the paper has none; expected one of what was found: no figure or table"
