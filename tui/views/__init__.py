"""The views: one file each. A view has its keys, its data and its drawing, and no Textual."""
