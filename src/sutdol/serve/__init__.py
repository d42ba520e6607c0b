"""One process of the web server: `python -m sutdol.serve`, started by `sutdol up`."""
