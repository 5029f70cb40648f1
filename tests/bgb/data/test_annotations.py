from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgb.data.annotations import Annotations, ChannelEvent, read_csv, read_csv_bi, write_csv, write_csv_bi
from bgb.data.recording import Interval
from bgb.errors import LabelError

HEADER = "# version = csv_v1.0.0\n# bname = aaaaaaac_s001_t000\n# duration = 100.00 secs\n#\n"
COLUMNS = "channel,start_time,stop_time,label,confidence\n"
BODY = "TERM,0.0000,20.0000,bckg,1.0000\nTERM,20.0000,30.0000,seiz,1.0000\nTERM,30.0000,100.0000,bckg,1.0000\n"
GOOD = HEADER + COLUMNS + BODY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.csv_bi"


def interval(start: float, stop: float) -> Interval:
    return Interval(start_seconds=start, stop_seconds=stop)


def refusal(path: Path, text: str) -> LabelError:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabelError) as caught:
        read_csv_bi(path)
    assert str(path) in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.rstrip("\n").encode(),
        (GOOD + "\n\n").encode(),
        GOOD.replace("# bname", "# montage_file = $NEDC_NFC/lib/x.txt\n# bname").encode(),
    ],
    ids=["as is", "byte-order mark", "CRLF", "no last line end", "blank lines", "more header"],
)
def test_a_file_in_the_form_of_tusz_is_read(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert read_csv_bi(path) == Annotations(duration_seconds=100.0, seizures=(interval(20, 30),))


def test_columns_are_found_by_name(path: Path) -> None:
    path.write_text(HEADER + "label,confidence,channel,stop_time,start_time\nseiz,1.0,TERM,30.0,20.0\n")
    assert read_csv_bi(path).seizures == (interval(20, 30),)


def test_time_that_no_row_speaks_of_is_background(path: Path) -> None:
    path.write_text(HEADER + COLUMNS + "TERM,50.0000,60.0000,seiz,1.0000\nTERM,5.0000,6.0000,seiz,1.0000\n")
    assert read_csv_bi(path).seizures == (interval(5, 6), interval(50, 60))


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        ("TERM;0.0;5.0;seiz;1.0", "columns", "1 values for 5 columns"),
        ("TERM\t0.0\t5.0\tseiz\t1.0", "columns", "1 values for 5 columns"),
        ("0.0,5.0,seiz", "columns", "3 values for 5 columns"),
        ("TERM,0,0,5,0,seiz,1.0", "columns", "7 values for 5 columns"),
        ("TERM,0.0,5.0,SEIZ,1.0", "label", "unknown label 'SEIZ', expected bckg, seiz"),
        ("TERM,0.0,5.0,atsz,1.0", "label", "unknown label 'atsz'"),
        ("TERM,0.0,5.0,,1.0", "label", "unknown label ''"),
        ("TERM,5.0,5.0,seiz,1.0", "stop_time", "5 s, not after the start at 5 s"),
        ("TERM,9.0,5.0,seiz,1.0", "stop_time", "5 s, not after the start at 9 s"),
        ("TERM,-5.0,5.0,seiz,1.0", "start_time", "'-5.0', expected a decimal number of at least 0"),
        ("TERM,nan,5.0,seiz,1.0", "start_time", "'nan'"),
        ("TERM,1e0,5.0,seiz,1.0", "start_time", "'1e0'"),
        ("TERM,0.0,inf,seiz,1.0", "stop_time", "'inf'"),
        ("TERM,0.0,101.0,seiz,1.0", "stop_time", "101 s, after the end at 100 s"),
        ("TERM,0.0,5.0,seiz,high", "confidence", "'high'"),
        ("TERM,0.0,5.0,seiz,1.5", "confidence", "1.5, expected 0 to 1"),
        ("FP1-F7,0.0,5.0,seiz,1.0", "channel", "'FP1-F7', expected 'TERM'"),
    ],
)
def test_a_line_without_a_meaning_is_an_error_with_its_number(path: Path, line: str, field: str, says: str) -> None:
    error = refusal(path, HEADER + COLUMNS + line + "\n")
    assert error.field == field
    assert "line 6: " in error.message
    assert says in error.message


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("", "file", "empty"),
        (" \n\n", "file", "empty"),
        (HEADER, "rows", "no rows"),
        (HEADER + COLUMNS, "rows", "no rows"),
        (HEADER + BODY, "columns", "line 5: found 'TERM,0.0000"),
        (HEADER + COLUMNS.replace(",", ";") + BODY, "columns", "expected the columns channel,start_time"),
        (HEADER + "start,stop,label\n0.0,5.0,seiz\n", "columns", "found 'start,stop,label'"),
        (COLUMNS + BODY, "version", "found None"),
        (GOOD.replace("csv_v1.0.0", "tse_v1.0.0"), "version", "found 'tse_v1.0.0'"),
        (GOOD.replace("# duration = 100.00 secs\n", ""), "duration", "found None"),
        (GOOD.replace("100.00 secs", "100,00 secs"), "duration", "'100,00 secs'"),
        (GOOD.replace("100.00 secs", "0.00 secs"), "duration", "'0.00 secs'"),
        (GOOD.replace("100.00 secs", "100.00"), "duration", "expected a line such as"),
    ],
)
def test_a_file_that_is_not_whole_is_an_error(path: Path, text: str, field: str, says: str) -> None:
    error = refusal(path, text)
    assert error.field == field
    assert says in error.message


def test_rows_that_overlap_contradict_each_other(path: Path) -> None:
    error = refusal(path, HEADER + COLUMNS + "TERM,0.0,20.0,bckg,1.0\nTERM,15.0,25.0,seiz,1.0\n")
    assert error.field == "start_time"
    assert "line 7: overlaps line 6" in error.message


def test_a_missing_file_is_an_error_and_not_background(path: Path) -> None:
    with pytest.raises(LabelError, match="file: the label file is missing"):
        read_csv_bi(path)


def test_a_file_that_is_not_text_is_an_error(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(LabelError, match="cannot be read"):
        read_csv_bi(path)


def test_labels_must_be_as_long_as_their_recording(path: Path) -> None:
    path.write_text(GOOD)
    assert read_csv_bi(path, recording_seconds=100.9).duration_seconds == 100.0
    for seconds in (98.9, 101.1):
        with pytest.raises(LabelError, match=rf"duration: labels are for 100 s, the recording has {seconds:g} s"):
            read_csv_bi(path, recording_seconds=seconds)


def test_a_csv_file_gives_types_by_channel(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + COLUMNS + "FP1-F7,0.0,20.5,bckg,1.0\nT3-T5,20.5,30.0,mysz,0.9\n")
    assert read_csv(path, recording_seconds=100) == (
        ChannelEvent(channel="FP1-F7", interval=interval(0, 20.5), label="bckg", confidence=1.0),
        ChannelEvent(channel="T3-T5", interval=interval(20.5, 30), label="mysz", confidence=0.9),
    )


@pytest.mark.parametrize(("row", "field"), [("TERM,0.0,5.0,seiz,1.0", "channel"), ("FP1-F7,0.0,5.0,xxsz,1.0", "label")])
def test_a_csv_file_with_rows_of_another_kind_is_an_error(tmp_path: Path, row: str, field: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + COLUMNS + row + "\n")
    with pytest.raises(LabelError, match=f"{field}: line 6: "):
        read_csv(path)


def test_what_is_written_has_the_form_of_tusz(path: Path) -> None:
    annotations = Annotations(duration_seconds=301, seizures=(interval(0, 5.25), interval(40, 301)))
    write_csv_bi(path, annotations, stem="aaaaaaac_s001_t000")
    assert path.read_bytes().decode() == (
        "# version = csv_v1.0.0\n"
        "# bname = aaaaaaac_s001_t000\n"
        "# duration = 301.0000 secs\n"
        "# montage_file = $NEDC_NFC/lib/nedc_eas_default_montage.txt\n"
        "#\n"
        "channel,start_time,stop_time,label,confidence\n"
        "TERM,0.0000,5.2500,seiz,1.0000\n"
        "TERM,5.2500,40.0000,bckg,1.0000\n"
        "TERM,40.0000,301.0000,seiz,1.0000\n"
    )


@given(st.lists(st.integers(0, 3_000_000), max_size=12, unique=True))
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read_back_the_same(tmp_path_factory: pytest.TempPathFactory, edges: list[int]) -> None:
    path = tmp_path_factory.mktemp("labels") / "a.csv_bi"
    times = [edge / 10_000 for edge in sorted(edges)]
    seizures = tuple(interval(start, stop) for start, stop in zip(times[::2], times[1::2], strict=False))
    annotations = Annotations(duration_seconds=300.0, seizures=seizures)
    write_csv_bi(path, annotations, stem="a")
    assert read_csv_bi(path, recording_seconds=300.0) == annotations


@pytest.mark.parametrize(
    "seizures",
    [
        (interval(5, 5),),
        (interval(90, 101),),
        (interval(20, 30), interval(10, 15)),
        (interval(10, 20), interval(15, 30)),
    ],
)
def test_seizures_that_could_not_be_read_back_are_not_written(path: Path, seizures: tuple[Interval, ...]) -> None:
    with pytest.raises(ValueError, match="empty, out of order or outside"):
        write_csv_bi(path, Annotations(duration_seconds=100, seizures=seizures), stem="a")
    assert not path.exists()


def test_rows_that_four_decimals_make_empty_are_left_out(tmp_path: Path) -> None:
    events = [
        ChannelEvent(channel="FP1-F7", interval=interval(0, 0.00001), label="bckg", confidence=1.0),
        ChannelEvent(channel="FP1-F7", interval=interval(0.00001, 9), label="fnsz", confidence=1.0),
    ]
    write_csv(tmp_path / "a.csv", events, duration_seconds=9, stem="a")
    assert [event.label for event in read_csv(tmp_path / "a.csv")] == ["fnsz"]
