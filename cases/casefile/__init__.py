"""The file of a case (全卷): everything about one case as a PDF, with the chain's verdict."""
