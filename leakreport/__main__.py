"""`python -m leakreport`."""

from leakreport.cli import run

if __name__ == "__main__":
    run()
