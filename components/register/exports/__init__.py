"""Exports of exactly what is filtered: started by a person, written by a worker, kept some days."""
