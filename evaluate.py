"""Score a trained model from the command line: python evaluate.py --help"""

from seq2seq.evaluate_command import main
from seq2seq.startup import prepare_environment, run_command

if __name__ == "__main__":
    prepare_environment()
    run_command(main)
