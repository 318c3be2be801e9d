"""Files that are not plain text: recognised by their content, and read where text can be taken out of them."""
