"""All parts on one machine: for trying, developing and the demo."""
