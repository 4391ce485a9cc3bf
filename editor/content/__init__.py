"""What a doc says, in other forms: HTML and plain text. Everything here reads; nothing changes a doc."""
