"""The error report: the rows that have errors, as a workbook that can be corrected and sent in.

It has the file's own columns, a column of row numbers by which corrected rows find their place, and
a column that says what is wrong. Nothing in it is run as a formula.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill

from common.spreadsheets import defused
from components.census.models import Survey
from components.census.problems import problem_read, problem_sentence
from components.census.selectors import bad_rows_streamed

ROW_HEADERS = ("行号", "row number")  # either is understood when the report comes back
PROBLEM_HEADERS = ("问题", "what is wrong")
MOST_ROWS = 200_000  # beyond that a file is not corrected by hand
BAD = PatternFill("solid", fgColor="FDEAEA")
HEAD = Font(bold=True)


def report_write(survey: Survey, target: Path | IO[bytes]) -> int:
    """Write the error report; return how many rows it has."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("Errors"))
    sheet.freeze_panes = "C2"
    sheet.column_dimensions["B"].width = 60
    names = (_("row number"), _("what is wrong"), *survey.headers)
    head = [WriteOnlyCell(sheet, value=defused(name)) for name in names]
    for cell in head:
        cell.font = HEAD
    sheet.append(head)
    columns = survey.mapping["columns"]
    count = 0
    for line, texts, problems in bad_rows_streamed(survey):
        if count == MOST_ROWS:
            sheet.append(
                [
                    None,
                    _("This report ends here; %(count)d rows have errors.")
                    % {"count": survey.bad_count},
                ]
            )
            break
        count += 1
        sentences = "\n".join(problem_sentence(problem) for problem in problems)
        wrong = {columns.get(problem_read(problem).field) for problem in problems}
        row = [WriteOnlyCell(sheet, value=line), WriteOnlyCell(sheet, value=sentences)]
        for header, text in zip(survey.headers, texts, strict=False):
            cell = WriteOnlyCell(sheet, value=defused(text))
            cell.number_format = "@"
            if header in wrong:
                cell.fill = BAD
            row.append(cell)
        sheet.append(row)
    book.save(target)
    return count
