"""The one model: what readers say (`raw`), and the frozen columns everything else works on."""
