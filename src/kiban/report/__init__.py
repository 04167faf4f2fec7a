"""Results to things people open: the run folder, HTML, workbook, tables, explanations."""
