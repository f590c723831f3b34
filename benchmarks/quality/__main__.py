"""`python -m benchmarks.quality RUN ...`: which configuration translates best, as a Markdown table."""

from benchmarks.quality.command import main
from seq2seq.startup import run_command

if __name__ == "__main__":
    run_command(main)
