"""The views of the Dataset page. A package, since a door is called `pages/dataset.py`, which Python would find first otherwise."""
