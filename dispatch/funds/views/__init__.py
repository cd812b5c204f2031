"""Pages of the funds; each module translates in, makes one domain call, translates out."""
