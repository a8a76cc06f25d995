import csv
import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from stockops import market, money
from stockops.errors import ConfigError
from stockops.listing import sample, sources
from stockops.listing.issue import kind_of

# The terms of the exchange keep a real listing out of the project: whoever has one names it here.
REAL = os.environ.get("STOCKOPS_REAL_LISTING")
ON = date(2025, 1, 2)
OURS = "symbol,name,market,listed_shares,close_won\n"
THEIRS = '"종목코드","종목명","시장구분","종가","시가","거래량","상장주식수"\n'


def test_the_sample_has_the_shape_of_the_market() -> None:
    issues = sample.read().issues
    assert Counter(issue.kind for issue in issues) == {
        "common": 823, "preferred": 113, "reit": 22, "fund": 3,
    }  # fmt: skip
    assert sum(issue.status == "halted" for issue in issues) == 19
    assert 110 <= sum(issue.origin == "sample" for issue in issues) <= 140


def test_a_synthetic_issue_cannot_be_taken_for_a_real_one() -> None:
    for issue in sample.read().issues:
        synthetic = issue.origin == "synthetic"
        assert synthetic == issue.symbol.startswith("9Z") == issue.name.startswith("가상")
        assert synthetic or issue.status == "listed"


def test_every_isin_and_price_of_the_sample_is_valid() -> None:
    for issue in sample.read().issues:
        assert market.is_isin(issue.isin)
        assert issue.close_won % money.tick_won(issue.close_won) == 0


def test_the_sample_never_changes() -> None:
    assert sample.read().fingerprint == sample.read().fingerprint
    assert sample.read().fingerprint.startswith("6770fc162c03")


def test_the_figures_of_the_sample_are_round() -> None:
    known = [issue for issue in sample.read().issues if issue.origin == "sample"]
    for issue in known:
        for figure in (issue.close_won, issue.listed_shares):
            assert len(str(figure).rstrip("0")) <= 2


def read(tmp_path: Path, text: str | bytes) -> list[tuple[str, str, int, int]]:
    path = tmp_path / "listing.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    listing = sources.read(str(path), on=ON)
    return [(i.symbol, i.name, i.listed_shares, i.close_won) for i in listing.issues]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_file_is_read_in_every_encoding_of_the_field(tmp_path: Path, encoding: str) -> None:
    text = OURS + "005930,삼성전자,KOSPI,5969782550,53400\n"
    assert read(tmp_path, text.encode(encoding)) == [("005930", "삼성전자", 5969782550, 53400)]


def test_the_export_of_the_exchange_is_read(tmp_path: Path) -> None:
    text = (
        THEIRS + '"005930","삼성전자","KOSPI","53,400","52,700","1,234","5,969,782,550"\n'
        '"00104K","CJ4우(전환)","KOSPI","80,000","0","0","4,000,000"\n'
    )
    path = tmp_path / "data_1234_20250102.csv"
    path.write_bytes(text.encode("cp949"))
    first, second = sources.read(str(path), on=ON).issues
    assert (first.symbol, first.kind, first.status) == ("00104K", "preferred", "halted")
    assert (second.symbol, second.close_won, second.status) == ("005930", 53400, "listed")
    assert (second.isin, first.isin) == ("KR7005930003", "KR700104K010")


def test_codes_are_text_and_names_keep_their_case_and_blanks(tmp_path: Path) -> None:
    text = (
        OURS + "000020,동화약품,KOSPI,27931470,6300\n0126Z0,삼성에피스홀딩스,KOSPI,1,1\n"
        "000001,KTcs,KOSPI,1,1\n000002,CJ제일제당 우,KOSPI,1,1\n000003,SUN&L,코스닥,1,1\n"
    )
    names = [name for _, name, _, _ in read(tmp_path, text)]
    assert names == ["KTcs", "CJ제일제당 우", "SUN&L", "동화약품", "삼성에피스홀딩스"]


GOOD = "005930,삼성전자,KOSPI,10,53400\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(OURS, "holds no issue", id="a header only"),
        pytest.param("", "is empty", id="an empty file"),
        pytest.param("a,b\n1,2\n", "no column 'symbol'", id="another header"),
        pytest.param("종목코드,종목명,상장주식수\n", "no column 'close_won' .종가", id="no closes"),
        pytest.param(OURS + GOOD + GOOD, ":3: 005930 is on line 2", id="a duplicate"),
        pytest.param(OURS + "5930,삼성전자,KOSPI,1,1\n", ":2: '5930' is not a code", id="a number"),
        pytest.param(
            OURS + "A05930,삼성전자,KOSPI,1,1\n", ":2: 'A05930' is not a code", id="a letter first"
        ),
        pytest.param(OURS + "00593o,삼성전자,KOSPI,1,1\n", ":2: '00593o' is not", id="lower case"),
        pytest.param(OURS + "005930,삼성전자,NASDAQ,1,1\n", ":2: 'NASDAQ' is none", id="a market"),
        pytest.param(OURS + "005930,,KOSPI,1,1\n", ":2: the name of 005930", id="no name"),
        pytest.param(OURS + "005930,삼성전자,KOSPI,1,0\n", ":2: 005930 closed at 0", id="zero"),
        pytest.param(OURS + "005930,삼성전자,KOSPI,0,1\n", ":2: 005930 has 0 listed", id="shares"),
        pytest.param(OURS + "005930,삼성전자,KOSPI,1,1.5\n", ":2: close_won .* '1.5'", id="a half"),
        pytest.param(OURS + "005930,삼성전자,KOSPI,1,-5\n", ":2: close_won .* '-5'", id="negative"),
        pytest.param(OURS + "005930,삼성,전자,KOSPI,1,1\n", ":2: 6 cells under 5", id="a comma"),
        pytest.param(
            (OURS + GOOD).encode() + b"000020,\xff\xfe,KOSPI,1,1\n",
            ":3: byte .* neither UTF-8 nor CP949",
            id="bytes of no encoding",
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read(tmp_path, text)
    assert caught.value.hint


def test_ten_rows_are_a_listing_if_a_file_says_so(tmp_path: Path) -> None:
    text = OURS + "".join(f"00{n:03d}0,이름{n},KOSPI,10,100\n" for n in range(10))
    assert len(read(tmp_path, text)) == 10


def test_many_faults_are_counted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="and 7 more"):
        read(tmp_path, OURS + "bad,name,KOSPI,1,1\n" * 10)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="cannot read the listing") as caught:
        sources.read("no-such.csv", on=ON)
    assert "sample, krx" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("symbol", "name", "kind"),
    [
        ("005930", "삼성전자", "common"),
        ("005935", "삼성전자우", "preferred"),
        ("00104K", "CJ4우(전환)", "preferred"),
        ("138040", "메리츠금융지주", "common"),
        ("395400", "SK리츠", "reit"),
        ("094800", "맵스리얼티1", "fund"),
    ],
)
def test_the_kind_follows_from_code_and_name(symbol: str, name: str, kind: str) -> None:
    assert kind_of(symbol, name) == kind


@pytest.mark.parametrize(
    ("symbol", "isin"),
    [
        ("005930", "KR7005930003"),
        ("005935", "KR7005931001"),
        ("00104K", "KR700104K010"),
        ("900140", "ZZ0009001403"),
    ],
)
def test_the_isin_follows_from_the_code(symbol: str, isin: str) -> None:
    assert market.isin_of(symbol) == isin
    assert market.is_isin(isin)
    assert not market.is_isin(isin[:-1] + str((int(isin[-1]) + 1) % 10))


@pytest.mark.skipif(not REAL, reason="STOCKOPS_REAL_LISTING names no listing of 2025-01-02")
def test_the_real_listing_and_no_figure_of_it_in_the_sample() -> None:
    issues = sources.read(str(REAL), on=ON).issues
    assert len(issues) == 961
    assert sum(issue.kind == "preferred" for issue in issues) == 113
    with Path(str(REAL)).open(encoding="utf-8", newline="") as file:
        real = {row["symbol"]: row for row in csv.DictReader(file)}
    for issue in sample.read().issues:
        if issue.origin == "synthetic":
            assert issue.symbol not in real
        else:
            row = real[issue.symbol]
            assert issue.name == row["name"]
            assert str(issue.listed_shares) != row["listed_shares"]
            assert str(issue.close_won) != row["close_won"]
