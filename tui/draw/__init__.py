"""How is a thing drawn as rows and lines? Functions from values to styled text, without a terminal:
one file for each thing that is drawn.
"""
