"""Measure this project's own speed: python -m benchmarks --help"""

from benchmarks.command import main
from seq2seq.startup import prepare_environment, run_command

if __name__ == "__main__":
    prepare_environment()
    run_command(main)
