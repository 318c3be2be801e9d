"""The rows of tables and of JSON, of which a corpus reads one column."""
