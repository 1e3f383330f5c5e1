"""The connection to Temporal: options, codec, search attributes, queues and signals."""
