"""The workflow as the city's contract writes it, copied by hand, to hold the table against.

One line a row: state | action | target | who | clocks. ``=`` leaves the state, ``any`` is any role.
▶ starts, ■ stops (with an outcome after a colon), ‖ pauses, ▷ resumes, ■all stops everything.
"""

from __future__ import annotations

from cases.workflow import ARROWS, Arrow, ClockOutcome, ClockStep, Verb

MAIN_LINE = """
-          | report           | reported   | any     | ▶whole ▶accept
reported   | accept           | accepted   | ACC     | ■accept ▶file
reported   | accept           | filed      | ACC     | ■accept ▶dispatch
reported   | ask_confirmation | confirming | ACC     | ‖accept ▶confirm
reported   | dispatch_urgent  | dispatched | DSP     | ▶file ▶handle
reported   | judge_valid      | checked    | ACC     | ■accept ▶close
reported   | refuse           | refused    | ACC     | ■all
confirming | confirm          | reported   | COL     | ■confirm ▷accept
confirming | reassign         | confirming | ACC SYS | ■confirm:reassigned ▶confirm
confirming | recall           | reported   | ACC SYS | ■confirm:recalled ▷accept
accepted   | file             | filed      | SUP     | ■file ▶dispatch
accepted   | send_back        | reported   | SUP     | ■file ▶accept
accepted   | refuse           | refused    | SUP     | ■all
filed      | dispatch         | dispatched | DSP     | ■dispatch ▶handle
filed      | hand_down        | filed      | DSP     | ■dispatch ▶dispatch
filed      | hand_up          | filed      | DSP     | ■dispatch ▶dispatch
filed      | send_back        | accepted   | SUP     | ■dispatch ▶file
dispatched | sign             | handling   | DEP     |
dispatched | recall           | filed      | DSP     | ■handle:annulled ▶dispatch
handling   | complete         | handled    | DEP PXY | ‖handle ▶send_check
handling   | recall           | filed      | DSP     | ■handle:annulled ▶dispatch
suspended  | resume           | handling   | DSP SYS | ▷handle
handled    | send_check       | checking   | ACC     | ■send_check ▶check
handled    | skip_check       | checked    | ACC     | ■send_check ■handle ▶close
checking   | check_pass       | checked    | COL     | ■check ■handle ▶close
checking   | check_fail       | rework     | COL     | ■check ▶dispatch
checking   | reassign         | checking   | ACC SYS | ■check:reassigned ▶check
checking   | recall           | handled    | ACC SYS | ■check:recalled ▶send_check
rework     | dispatch         | dispatched | DSP     | ■dispatch ▷handle
rework     | dispatch         | dispatched | DSP     | ■dispatch ■handle:reassigned ▶handle
checked    | close            | closed     | SUP     | ■close ■whole
checked    | send_back        | handled    | SUP     | ■close ▶send_check
refused    | appeal           | reported   | SUP     | ▶whole ▶accept
voided     | appeal           | reported   | SUP     | ▶whole ▶accept
merged     | unmerge          | reported   | SUP     | ▶whole ▶accept
reported   | merge            | merged     | ACC DSP | ■all
confirming | merge            | merged     | ACC DSP | ■all
accepted   | merge            | merged     | ACC DSP | ■all
filed      | merge            | merged     | ACC DSP | ■all
dispatched | merge            | merged     | ACC DSP | ■all
handling   | merge            | merged     | ACC DSP | ■all
"""

# kind | asked in | by | who may be asked to agree → target | clocks, of the last who agrees.
REQUESTS = """
return | dispatched handling | DEP | DSP SUP | filed | ■handle:annulled ▶dispatch
extension | dispatched handling | DEP | DSP SUP LDR | = |
suspension | handling | DEP | DSP SUP LDR | suspended | ‖handle
unsolved_close | suspended | DSP | LDR | checked | ■handle:unsolved ▶close
void | filed dispatched handling suspended handled checking rework | DSP | SUP LDR | voided | ■all
proxy | filed dispatched handling | DSP DEP | LDR | dispatched | ■dispatch ■handle:proxied ▶handle
reopen | closed | ACC | SUP | rework | ▶whole ▶dispatch
"""

# Who of them agrees to the usual request, first to last; posts with a stroke stand for each other.
CHAINS = {
    "return": "DSP",
    "extension": "DSP/LDR",
    "suspension": "DSP > LDR",
    "unsolved_close": "LDR",
    "void": "SUP",
    "proxy": "LDR",
    "reopen": "SUP",
}

AFTER_DISPATCH = "dispatched handling suspended handled checking rework checked"
OTHERS_WAIT = "reported confirming accepted filed handled checking rework checked"
ALL_OPEN = f"reported confirming accepted filed {AFTER_DISPATCH}"

MOVED = "reported confirming accepted dispatched handling suspended handled checking checked"

# What the contract says in sentences below its table: the state stays.
# action | in | who | clocks
BESIDE = f"""
complete_filing    | {AFTER_DISPATCH}       | SUP             | ■accept ■file
sign_sub_order     | dispatched handling    | COO             |
complete_sub_order | dispatched handling    | COO             |
order_supervision  | filed {AFTER_DISPATCH} closed | SUP LDR  |
reply_supervision  | {AFTER_DISPATCH} closed | DEP PXY        |
rate_supervision   | filed {AFTER_DISPATCH} closed | SUP LDR  |
assign             | dispatched handling    | DEP PXY COO     |
take_back          | dispatched handling    | DEP PXY COO     |
send_link          | dispatched handling    | DEP PXY COO     |
revoke_link        | dispatched handling    | DEP PXY COO     |
answer_link        | dispatched handling    | SYS             |
reopen_link        | dispatched handling    | DEP PXY COO     |
add_sub_orders     | dispatched handling    | DSP             |
decline_sub_order  | dispatched handling    | COO             |
keep_sub_order     | dispatched handling    | DSP             |
recall_sub_order   | dispatched handling    | DSP             |
move_desk          | filed rework           | SYS             | ■dispatch:reassigned ▶dispatch
move_desk          | {MOVED}                | SYS             |
instruct           | {ALL_OPEN}             | LDR             |
reply_instruction  | {ALL_OPEN}             | SUP DSP DEP PXY |
rate_instruction   | {ALL_OPEN} closed      | LDR             |
urge               | dispatched handling    | SUP LDR DSP     |
urge               | {OTHERS_WAIT}          | SUP LDR         |
"""

# Where the table says more or less than the contract, and why.
LESS = {
    "confirming | reassign | confirming | ACC SYS | ■confirm:reassigned ▶confirm": (
        "the system recalls an overdue task; whom to send next is the acceptor's to say"
    ),
    "checking | reassign | checking | ACC SYS | ■check:reassigned ▶check": "the same",
    "filed | dispatch | dispatched | DSP | ■dispatch ▶handle": "see MORE",
    "dispatched | sign | handling | DEP | ": "a proxy squad signs for its own order",
}
MORE = {
    "confirming | reassign | confirming | ACC | ■confirm:reassigned ▶confirm": "see LESS",
    "checking | reassign | checking | ACC | ■check:reassigned ▶check": "see LESS",
    "dispatched | sign | handling | DEP PXY | ": "see LESS",
    "checked | send_back | reported | SUP | ■close ▶accept": (
        "what was handled on the spot was never dispatched: it goes back to the acceptor"
    ),
    "closed | reopen | reported | SUP | ▶whole ▶accept": (
        "what was handled on the spot was never filed: it begins with the acceptor"
    ),
    "filed | dispatch | dispatched | DSP SYS | ■dispatch ▶handle": (
        "the system gives out what a rule marks for it, to whom the rule says"
    ),
    "filed | complete_filing | = | SUP | ■accept ■file": (
        "an urgent case the dispatcher took back must be filed before it goes on"
    ),
}

NAME_OF_ASKING = {"reopen": "propose_reopen"}
NAME_OF_APPROVING = {"reopen": "reopen"}


def _cells(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.strip()]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def _row(*cells: str) -> str:
    return " | ".join(cells)


def contract_rows() -> list[str]:
    """Return every row of the contract, written out."""
    rows = [_row(*cells) for cells in _cells(MAIN_LINE)]
    for kind, states, by, approvers, target, clocks in _cells(REQUESTS):
        approve = NAME_OF_APPROVING.get(kind, f"approve_{kind}")
        for state in states.split():
            rows.append(_row(state, NAME_OF_ASKING.get(kind, f"request_{kind}"), "=", by, ""))
            rows.append(_row(state, approve, "=", approvers, ""))  # one of several who agree
            rows.append(_row(state, approve, target, approvers, clocks))
            rows.append(_row(state, f"reject_{kind}", "=", approvers, ""))
            rows.append(_row(state, f"withdraw_{kind}", "=", by, ""))
    for action, states, by, clocks in _cells(BESIDE):
        rows += [_row(state, action, "=", by, clocks) for state in states.split()]
    return rows


def agreed_rows() -> list[str]:
    """Return the contract with the differences that are written down above."""
    return sorted([row for row in contract_rows() if row not in LESS] + list(MORE))


SIGNS = {Verb.START: "▶", Verb.STOP: "■", Verb.PAUSE: "‖", Verb.RESUME: "▷", Verb.STOP_ALL: "■"}


def _clock(step: ClockStep) -> str:
    if step.verb is Verb.STOP_ALL:
        return "■all"
    outcome = f":{step.outcome}" if step.outcome is not ClockOutcome.DONE else ""
    return f"{SIGNS[step.verb]}{step.kind}{outcome}"


def written(arrow: Arrow) -> str:
    """Return a row of the table as the contract would write it."""
    return _row(
        arrow.source or "-",
        arrow.action,
        arrow.target or "=",
        " ".join(arrow.posts) or "any",
        " ".join(_clock(step) for step in arrow.clocks),
    )


def table_rows() -> list[str]:
    """Return every row of the table as the contract would write it."""
    return sorted(written(arrow) for arrow in ARROWS)
