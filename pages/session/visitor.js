// Keep the visitor's secret in a cookie. visitor.py fills in the placeholders in capital letters.

const cookie = document.cookie.match(/(?:^|; )fer_visitor=([A-Za-z0-9_-]{43})(?:;|$)/);
document.cookie = "fer_visitor=" + (cookie ? cookie[1] : "TOKEN") + "; Path=PATH; Max-Age=SECONDS; SameSite=Lax"
  + (location.protocol === "https:" ? "; Secure" : "");
