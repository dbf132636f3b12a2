"""Pictures as SVG text: classes only, so the style sheet and the theme colour them. Pure."""
