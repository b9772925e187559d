"""Networks in a form that the app's own JavaScript runs in a visitor's browser."""
