"""Whatever surveyors send is read, or refused in words."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pyogrio
import pytest
import shapely

from common.errors import DomainError
from common.geo import bd09_from_wgs84, gcj02_from_wgs84
from common.geofiles import Way
from components.census.models import Survey, SurveyRow
from tests.api.census.conftest import HEADERS

NAMES = ["雨水井盖", "行道树", "路灯"]


def places(census) -> list[tuple[float, float]]:
    return [(census.lon, census.lat(20 * number)) for number in range(1, 4)]


def found(survey: Survey) -> list[tuple[float, float]]:
    rows = SurveyRow.objects.filter(survey=survey).order_by("line")
    assert survey.state == "checked", survey.error
    assert [row.problems for row in rows] == [[]] * 3
    return [(row.point.x, row.point.y) for row in rows]


def same(some, others) -> bool:
    return np.allclose(some, others, atol=5e-7)


def write(path: Path, census, *, crs="EPSG:4549", shapes=None, encoding=None) -> Path:
    """Write the three places as a surveyor would, with Chinese fields."""
    if shapes is None:
        moved = Way("EPSG:4326", crs or "EPSG:4549")(np.array(places(census)))
        shapes = shapely.points(np.column_stack([moved, np.full(3, 7.5)]))
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapes, output_dimension=3),
        [np.array(NAMES, dtype=object)],
        ["部件名称"],
        geometry_type=f"{shapes[0].geom_type} Z",
        crs=crs,
        encoding=encoding,
    )
    return path


def shapefile(folder: Path, census, *, without: tuple[str, ...] = (".cpg",), **options) -> Path:
    """Write a zipped Shapefile in GBK that lacks some of its parts."""
    write(folder / "部件.shp", census, encoding="GBK", **options)
    path = folder / "parts.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in folder.glob("部件.*"):
            if part.suffix not in without:
                archive.write(part, part.name)
    return path


def test_a_shapefile_in_gbk_that_does_not_say_so(census, tmp_path):
    survey = census.read(shapefile(tmp_path, census))
    assert same(found(survey), places(census))


def test_an_index_that_is_missing_is_rebuilt_and_said(census, tmp_path):
    survey = census.read(shapefile(tmp_path, census, without=(".cpg", ".shx")))
    assert same(found(survey), places(census))
    assert any(".shx" in remark for remark in survey.remarks)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_file_without_prj_must_be_told_its_system(census, tmp_path):
    path = shapefile(tmp_path, census, without=(".cpg", ".prj"))
    with pytest.raises(DomainError, match="EPSG:4549"):
        census.read(path)
    assert same(found(census.read(path, datum="city")), places(census))
    proj = "+proj=tmerc +lat_0=0 +lon_0=120 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m"
    assert same(found(census.read(path, datum="other", crs=proj)), places(census))
    with pytest.raises(DomainError, match="no coordinate system"):
        census.read(path, datum="other", crs="+proj=nonsense")
    with pytest.raises(DomainError, match="does not reach the city"):
        census.read(path, datum="other", crs="+proj=gnom +lat_0=-30 +lon_0=-60")


@pytest.mark.parametrize("name", ["parts.gpkg", "parts.geojson"])
def test_geopackage_and_geojson(census, tmp_path, name):
    crs = "EPSG:4326" if name.endswith("json") else "EPSG:4490"
    assert same(found(census.read(write(tmp_path / name, census, crs=crs))), places(census))


ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_in_any_encoding_with_any_delimiter(census, encoding, delimiter):
    rows = [
        f"{name},{lon:.7f},{lat:.7f}"
        for name, (lon, lat) in zip(NAMES, places(census), strict=True)
    ]
    text = "\r\n".join(["部件名称,经度,纬度", *rows]).replace(",", delimiter)
    survey = census.read(text.encode(encoding))
    assert same(found(survey), places(census))


@pytest.mark.parametrize(
    ("written", "named", "sentence"),
    [
        ("gb18030", "UTF-8", "From line 1 on this file is not written in utf-8."),
        ("utf-8", "UTF-16", "From line 1 on this file is not written in utf-16."),
        ("utf-8", "hex", "There is no encoding “hex”."),
        ("utf-8", "undefined", "There is no encoding “undefined”."),
        ("utf-8", "\x00", "There is no encoding “\x00”."),
    ],
)
def test_another_encoding_than_the_file_has_is_refused(census, written, named, sentence):
    text = f"{HEADERS}\n{census.rows(2)}"
    with pytest.raises(DomainError) as refused:
        census.upload(text.encode(written), encoding=named)
    assert str(refused.value.message) == sentence


def test_a_file_that_breaks_off_within_a_character_is_refused(census):
    with pytest.raises(DomainError) as refused:
        census.upload(f"{HEADERS}\n{census.rows(2)}".encode("utf-16") + b"x")
    assert "not written in utf-16" in str(refused.value.message)


@pytest.mark.parametrize(
    ("datum", "shift"), [("gcj02", gcj02_from_wgs84), ("bd09", bd09_from_wgs84)]
)
def test_the_datums_of_map_services_are_undone(census, datum, shift):
    lon, lat = shift(*np.array(places(census)).T)
    rows = "".join(f"{name},{x:.8f},{y:.8f}\n" for name, x, y in zip(NAMES, lon, lat, strict=True))
    assert same(found(census.read(f"部件名称,经度,纬度\n{rows}", datum=datum)), places(census))


def test_a_datum_is_suggested_by_the_header(census):
    assert census.upload("部件名称,经度(GCJ02),纬度(GCJ02)\na,1,2\n").datum == "gcj02"
    assert census.upload("部件名称,百度经度,百度纬度\na,1,2\n").mapping["columns"] == {
        "type": "部件名称"
    }


def test_excel_with_formulas_gives_their_values(census):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["部件名称", "经度", "纬度"])
    for name, (lon, lat) in zip(NAMES, places(census), strict=True):
        sheet.append([name, lon, lat])
    file = io.BytesIO()
    book.save(file)
    survey = census.read(file.getvalue(), "survey.xlsx")
    assert same(found(survey), places(census))
    sheet["A2"] = '=CONCATENATE("雨水","井盖")'
    file = io.BytesIO()
    book.save(file)
    survey = census.read(file.getvalue(), "survey.xlsx")  # no program has worked it out
    assert SurveyRow.objects.get(survey=survey, line=2).problems == ["no_type"]


def test_columns_of_one_name_are_told_apart_and_too_many_are_refused_at_once(census):
    survey = census.upload("a,,a,a (2),,\n1,2,3,4,,\n")
    assert survey.headers == ["a", "column 2", "a (2)", "a (2) (2)"]
    with pytest.raises(DomainError) as refused:
        census.upload(",".join(["a"] * 30_000))
    assert "30000 columns; at most 2000" in str(refused.value.message)


def test_three_hundred_columns(census):
    more = ",".join(f"c{number}" for number in range(300))
    rows = "".join(
        f"{name},{lon:.7f},{lat:.7f},{more}\n"
        for name, (lon, lat) in zip(NAMES, places(census), strict=True)
    )
    survey = census.read(f"部件名称,经度,纬度,{more}\n{rows}")
    assert same(found(survey), places(census))
    assert len(survey.headers) == 303


def test_lines_and_areas(census, tmp_path):
    (x, y), (u, v), _last = places(census)
    line = shapely.LineString([(x, y), (u, v)])
    area = shapely.box(x, y, x + 0.0001, y + 0.0001)
    bow = shapely.Polygon([(x, y), (x + 0.0002, y + 0.0002), (x + 0.0002, y), (x, y + 0.0002)])
    rows = "".join(
        f'{name},"{shape.wkt}"\n'
        for name, shape in (("停车场", area), ("停车场", bow), ("停车场", line), ("路灯", area))
    )
    survey = census.read(f"部件名称,wkt\n{rows}停车场,POLYGON((1 2\n")
    problems = (
        SurveyRow.objects.filter(survey=survey).order_by("line").values_list("problems", flat=True)
    )
    assert list(problems) == [
        [],
        ["invalid_shape"],
        ["wrong_shape"],
        ["wrong_shape"],
        ["no_number"],
    ]
    row = SurveyRow.objects.get(survey=survey, line=2)
    assert row.geometry.contains(row.point)


def refusal(census, content: bytes | str, name: str) -> str:
    with pytest.raises(DomainError) as refused:
        census.read(content, name)
    assert refused.value.status in (400, 413)
    assert not Survey.objects.exists()
    return str(refused.value.message)


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return file.getvalue()


def test_what_cannot_be_used_is_refused_in_words(census, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    assert "none of these" in refusal(census, b"x", "survey.pdf")
    assert "empty" in refusal(census, b"", "survey.csv")
    assert "empty" in refusal(census, "\n\n", "survey.csv")
    assert "not a text file" in refusal(census, bytes(range(256)) * 20, "survey.csv")
    assert "survey.zip" in refusal(census, b"no archive", "survey.zip")
    assert "survey.xlsx" in refusal(census, b"no workbook", "survey.xlsx")
    assert "far more" in refusal(census, zipped(a_shp=bytes(30_000_000)), "survey.zip")
    assert "2 layers" in refusal(census, zipped(a_shp=b"1", b_shp=b"2"), "survey.zip")
    settings.CENSUS_MOST_BYTES = 1024**2
    assert "at most 1 MB" in refusal(census, b"a" * 1024**2 + b"b", "survey.csv")
    assert not list((Path(settings.MEDIA_ROOT) / "surveys").glob("*/*"))


def test_a_mapping_without_type_or_place_is_refused(census):
    with pytest.raises(DomainError, match="which column holds the type"):
        census.read("a,b\n1,2\n")
    with pytest.raises(DomainError, match="longitude and latitude"):
        census.read("类型,b\n1,2\n")
    with pytest.raises(DomainError, match="no column “c”"):
        census.read("类型,经度,纬度\n1,2,3\n", mapping={"columns": {"type": "c"}})


def test_names_in_archives_and_of_files_lead_nowhere_else(census, tmp_path, settings):
    path = shapefile(tmp_path, census)
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(evil, "w") as target:
        for part in archive.namelist():
            target.writestr(f"../../../{part}", archive.read(part))
    survey = census.read(evil.read_bytes(), "../../../etc/evil.zip")
    assert same(found(survey), places(census))
    assert survey.path.startswith("surveys/")
    assert ".." not in survey.path


def test_a_quotation_mark_left_open_is_said_with_its_line(census):
    survey = census.read(f'{HEADERS}\n{census.rows(2)}K9,"{"x" * 200_000}')
    assert survey.state == "refused"
    assert "quotation mark" in survey.error
