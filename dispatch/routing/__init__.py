"""Which department gets a case, and why: rules as data, in order, published as versions.

``rules``      what a rule is and what it says of a case; pure
``words``      the same in words, in the reader's language; pure
``boxes``      sets of cases as boxes, and what is left of one when others are taken away; pure
``analysis``   rules that can never apply, contradict each other or are dead; pure
``facts``      reading what the rules ask about cases: one query for one case
``draft``      the rows a city edits as data, and back again
``services``   publishing
``job``        the system's own part: automatic dispatch, what nobody answers for
``dry_run``    what a draft would change for real cases
``shares``     how often suggestions were followed, how often cases came back, rule by rule

docs/rules/routing.md tells what all this promises.
"""
