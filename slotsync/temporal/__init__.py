"""The connection to Temporal: options, converter, search attributes, queues and signals."""
