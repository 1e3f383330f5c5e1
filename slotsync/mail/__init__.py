"""E-mails to merchants: their links and texts, and the mail server that takes them."""
