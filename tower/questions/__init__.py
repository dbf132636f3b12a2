"""Questions to the index. Pure: a Struct in, searches out; responses in, a Struct out.

Each gives the JSON answer, the panel of a page, the CSV and the entry of the API's document.
"""
