// A line chart as an element of its own.
