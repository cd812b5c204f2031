"""Geocoding after GB/T 30428.3: from words to places and from a point to words.

    naming.py     how names compare and how they read in English; pure
    reading.py    what an address may mean, its readings; pure
    scoring.py    how well a name fits what was written; pure
    selectors.py  `address_search`, `map_search`
    words.py      `place_in_words`
    services.py   the gazetteer: saving, import and export

The full text of the standard was not at hand. What it asks of a city's data (basic places with
kind, name, alias, point, validity) is in `grid.models.Place`; house numbers are places of kind
`door` where a city has them. Rules, formula and a worked example: docs/rules/geocoding.md.
"""
