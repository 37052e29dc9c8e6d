"""rbmqs/cli"""
