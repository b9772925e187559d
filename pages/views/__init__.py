"""Views of the pages: one file per view with `show`, and the parts that only one page uses."""
