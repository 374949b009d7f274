"""AWS Braket: gate-model QPUs and simulators, and QuEra's analog machine, through plain boto3."""
