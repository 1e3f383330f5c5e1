"""The methods of Calendar v3, one file for each of Google's resources."""
